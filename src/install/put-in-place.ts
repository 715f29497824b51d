import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CacheError, describeError, isCacheError } from '../errors.ts';
import { userName } from '../setup/configure-nix.ts';
import { type Caller, runAsRoot } from '../setup/run-as-root.ts';
import type { Way } from './way.ts';

/** The ways that need nothing but the files of the tarball. */
export type PutWay = Exclude<Way, 'own-installer'>;

/** The profile that Nix's own installer makes, too: later steps and later jobs find Nix there. */
export const PROFILE = '/nix/var/nix/profiles/default';

/**
 * Run as the owner of `/nix`: unpacks the tarball `$1`, moves its store paths to the store, registers them and makes the profile. `$2` names this
 * use of the action, `$3` is `daemon` or something else, `$4` the lines for nix.conf, each of which is added where the file has no such setting.
 *
 * A store path appears whole or not at all, and the profile comes last: what is killed in between is done again by the next one. Of two jobs at the same
 * time one waits: a move to where the other has just moved the same path would put it inside of that. So what lies there from others was left by them;
 * where there is no flock(1), after an hour.
 * From then on the daemon is that of the profile, as with Nix's own installer: one that is put there later (\`nix upgrade-nix\`) is the one that systemd starts.
 * A registration that is there already is left as it is. Nothing of the `install` script that comes with Nix is run; it only names the two paths.
 */
const PUT = `set -eu
umask 022
fail() { printf '%s' "$*" | head -n 3 | tr '\\n' ' ' >&2; exit 1; }
stage=/nix/.install-$2
mkdir -p /nix/store /nix/var/nix
exec 9< /nix
old=''
if command -v flock > /dev/null; then flock 9; else old='-mmin +60'; fi
find /nix -maxdepth 1 -name '.install-*' $old -exec sh -c 'chmod -R u+w "$@"; rm -rf "$@"' sh {} + 2> /dev/null || :
mkdir -p "$stage"
trap 'chmod -R u+w "$stage" && rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM
said=$(tar -xJof "$1" -C "$stage" --strip-components 1 2>&1) || fail "$said"
named() { sed -n "s|^$1=\\"\\(/nix/store/[0-9a-z]*-[^/\\"]*\\)\\".*|\\1|p" "$stage/install"; }
[ -f "$stage/install" ] && [ -s "$stage/.reginfo" ] || fail 'The tarball is not that of a Nix release.'
nix=$(named nix) cacert=$(named cacert)
[ -n "$nix" ] && [ -d "$stage/store/\${nix##*/}" ] || fail 'The tarball does not say where its Nix is.'
for path in "$stage"/store/*; do
	name=\${path##*/}
	[ ! -e "/nix/store/$name" ] || continue
	chmod -R a-w "$path"
	chmod u+w "$path" # a folder that nobody may write to can't be moved
	mv "$path" "/nix/store/$name"
	chmod u-w "/nix/store/$name"
done
if [ "$(id -u)" = 0 ]; then
	conf=/etc/nix/nix.conf
	mkdir -p /etc/nix
	touch "$conf"
	[ -z "$(tail -c 1 "$conf")" ] || echo >> "$conf"
	printf '%s' "$4" | while read -r line; do
		grep -q "^[[:space:]]*\${line%% =*}[[:space:]]*=" "$conf" || echo "$line" >> "$conf"
	done
fi
if [ "$3" = daemon ]; then
	getent group nixbld > /dev/null || groupadd --system nixbld
	for number in $(seq 1 32); do
		id "nixbld$number" > /dev/null 2>&1 ||
			useradd --system --no-create-home --home-dir /var/empty --shell /usr/sbin/nologin --gid nixbld --groups nixbld "nixbld$number"
	done
	chown root:nixbld /nix/store
	chmod 1775 /nix/store
fi
export HOME="$stage"
said=$("$nix/bin/nix-store" --load-db < "$stage/.reginfo" 2>&1) || fail "$said"
if [ "$3" = daemon ]; then
	mkdir -p /nix/var/nix/daemon-socket
	rm -f /etc/systemd/system/nix-daemon.service /etc/systemd/system/nix-daemon.socket # cp would go through links to the store
	cp "$nix/lib/systemd/system/nix-daemon.service" "$nix/lib/systemd/system/nix-daemon.socket" /etc/systemd/system/
	systemctl daemon-reload
	systemctl enable --now nix-daemon.socket
fi
said=$("$nix/bin/nix-env" --profile ${PROFILE} --install "$nix" $cacert 2>&1) || fail "$said"
if [ "$3" = daemon ]; then
	ln -sf ${PROFILE}/lib/systemd/system/nix-daemon.service ${PROFILE}/lib/systemd/system/nix-daemon.socket /etc/systemd/system/
	systemctl daemon-reload
fi`;

/** Run as root: makes `/nix` that of the user \`$1\`. */
const GIVE = `set -eu
mkdir -p /nix
chown "$1" /nix`;

/**
 * Puts the Nix of a tarball on this machine.
 * @throws CacheError `install-failed`, `disk-full`
 */
export async function putInPlace(tarball: string, way: PutWay, id: string, caller: Caller): Promise<void> {
	const args = ['sh', '-c', PUT, 'sh', tarball, id, way, confFor(way)];
	try {
		if (way === 'single-user-by-sudo') await runAsRoot(['sh', '-c', GIVE, 'sh', userAndGroup()], caller);
		await (way === 'daemon' ? runAsRoot(args, caller) : runHere(args, caller));
	} catch (error) {
		throw installError(error);
	}
}

/**
 * Root without a daemon builds as root, since a container has no users for builds. Who may become root at any time is as trusted as root, so the daemon
 * takes this job's settings from the user who runs it.
 */
function confFor(way: PutWay): string {
	return way === 'daemon' ? `build-users-group = nixbld\ntrusted-users = root ${userName()}\n` : 'build-users-group =\n';
}

function userAndGroup(): string {
	return `${process.getuid?.() ?? ''}:${process.getgid?.() ?? ''}`;
}

async function runHere([program = '', ...args]: readonly string[], { env, signal }: Caller): Promise<void> {
	const { PATH = '', HOME = '' } = env;
	await promisify(execFile)(program, args, { env: { PATH, HOME }, signal });
}

/** What `tar` and the like say when they fail. */
export function installError(error: unknown): CacheError {
	const said = saidBy(error);
	const message = `Nix could not be put in place: ${said}.`;
	if (said.includes('No space left on device')) {
		return new CacheError('disk-full', message, { hint: 'Nix needs about 400 MB in `/nix`.', cause: error });
	}
	const hint = /\bxz\b/.test(said)
		? 'Unpacking needs `tar` and `xz`: install them in a step before this one (`xz-utils` in Debian and Ubuntu).'
		: undefined;
	return new CacheError('install-failed', message, { hint, cause: error });
}

/** The last line of standard error, which is where the script says what is wrong. */
function saidBy(error: unknown): string {
	const text =
		isCacheError(error) || !(error instanceof Error && 'stderr' in error && typeof error.stderr === 'string')
			? describeError(error)
			: error.stderr.trim() || describeError(error);
	return (text.trim().split('\n').at(-1) ?? '').trim().replace(/\.$/, '').slice(0, 500);
}
