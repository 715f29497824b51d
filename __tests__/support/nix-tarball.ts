/**
 * A tarball of Nix with the layout of the official ones, which can't be had without their server: Debian's Nix in a store path, a second one with links to
 * its programs (as since 2.26), a bundle of certificates, the registration that Nix itself writes, and an `install` script that names them and takes what the
 * real one takes (release-installer/).
 *
 * What differs: the program takes its libraries from the machine, so it runs on machines of its own version only (`machineWithoutNix`), and it looks for its
 * helper for remote builds where Debian has it, which is mended by a setting (`lookAlikeConf`) or, for 2.8, a link.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NixVersion } from '../../scripts/roots.ts';
import { createMachine, type Machine } from './machine.ts';

export interface NixTarball {
	/** Such as `2.26.3`. */
	readonly version: string;
	/** Where it is on its server. */
	readonly path: string;
	readonly bytes: Buffer;
	/** As the input takes it. */
	readonly hash: string;
	readonly hex: string;
}

/** Settings for jobs with such a Nix. Derivations of the tests use the machine's own programs, which a sandbox hides. */
export function lookAlikeConf(nix: NixVersion): string {
	return [...(nix === '2.8' ? [] : ['build-hook =']), 'sandbox = false', 'download-attempts = 1'].join('\n');
}

const INSTALLER = join(import.meta.dirname, 'release-installer');

const MAKE = `set -eu
version=$1 name=$2 out=$3
cli=/tmp/nix-cli-$version
mkdir -p "$cli/bin" /tmp/nss-cacert-3.0/etc/ssl/certs "/tmp/$name/store"
cp /usr/bin/nix "$cli/bin/nix"
for link in nix-build nix-daemon nix-env nix-instantiate nix-store; do ln -s nix "$cli/bin/$link"; done
cli=$(nix-store --add "$cli")
nix=/tmp/nix-$version
mkdir -p "$nix/bin" "$nix/lib/systemd/system"
ln -s "$cli"/bin/* "$nix/bin"
printf '[Service]\\nExecStart=@%s/bin/nix-daemon nix-daemon --daemon\\n' "$cli" > "$nix/lib/systemd/system/nix-daemon.service"
printf '[Socket]\\nListenStream=/nix/var/nix/daemon-socket/socket\\n' > "$nix/lib/systemd/system/nix-daemon.socket"
cp /etc/ssl/certs/ca-certificates.crt /tmp/nss-cacert-3.0/etc/ssl/certs/ca-bundle.crt
nix=$(nix-store --add "$nix") cacert=$(nix-store --add /tmp/nss-cacert-3.0)
cp -a "$nix" "$cli" "$cacert" "/tmp/$name/store"
nix-store --dump-db "$nix" "$cli" "$cacert" > "/tmp/$name/.reginfo"
cp /tmp/release-installer/* "/tmp/$name"
sed -i -e "s|@nix@|$nix|" -e "s|@cacert@|$cacert|" "/tmp/$name/install"
tar -cf "$out" --use-compress-program='xz -1' --owner=0 --group=0 --mode=u+rw,uga+r --mtime=1970-01-01 -C /tmp "$name"`;

/** Makes the tarball, in some seconds. */
export async function makeNixTarball(nix: NixVersion): Promise<NixTarball> {
	await using machine = await createMachine({ nix });
	const version = /^\d+\.\d+\.\d+/.exec(machine.nixVersion)?.[0] ?? '';
	const name = `nix-${version}-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;
	const out = join(machine.work, `${name}.tar.xz`);
	for (const script of ['install', 'install-multi-user'])
		machine.writeFile(`/tmp/release-installer/${script}`, readFileSync(join(INSTALLER, script)), 0o755);
	await machine.run(['sh', '-c', MAKE, 'sh', version, name, out]);
	const bytes = readFileSync(out);
	const digest = createHash('sha256').update(bytes).digest();
	return {
		version,
		path: `nix-${version}/${name}.tar.xz`,
		bytes,
		hash: `sha256-${digest.toString('base64')}`,
		hex: digest.toString('hex'),
	};
}

/** A machine of that version on which nobody has installed Nix: an empty /nix, no program, no settings. */
export async function machineWithoutNix(nix: NixVersion): Promise<Machine> {
	const machine = await createMachine({ nix });
	for (const name of readdirSync(machine.outside('/usr/bin'))) {
		if (/^nix(-|$)/.test(name)) rmSync(machine.outside(join('/usr/bin', name)));
	}
	rmSync(machine.outside('/etc/nix'), { recursive: true });
	// cache.nixos.org is not there, and said to be missing if Nix were to read from it.
	machine.writeFile('/etc/xdg/nix/nix.conf', 'substituters =\n');
	if (nix === '2.8') await machine.run(['ln', '-sfn', '/nix/var/nix/profiles/default/bin/nix', '/usr/libexec/nix/build-remote']);
	return machine;
}

/** Takes away the folder /nix itself, too. From then on `machine.storeFolder` is not what is seen inside. */
export async function withoutNixFolder(machine: Machine): Promise<void> {
	await machine.run(['umount', '/nix']);
	await machine.run(['rmdir', '/nix']);
}
