/** Root rights for the parts that make mount namespaces: checked early, and asked for through sudo once. */
import { spawnSync } from 'node:child_process';

/** What a program started through sudo still needs of our environment. No secret is among it. */
const KEPT_VARIABLES = [
	'PATH',
	'TMPDIR',
	'CI',
	'NO_COLOR',
	'FORCE_COLOR',
	'NODE_EXTRA_CA_CERTS',
	'http_proxy',
	'https_proxy',
	'no_proxy',
];

/** Throws unless this is Linux: mount namespaces and overlay file systems exist nowhere else. */
function needLinux(what: string): void {
	if (process.platform !== 'linux') {
		throw new Error(
			`${what} need Linux (mount namespaces, Debian root file systems); this is ${process.platform}. ` +
				`The unit tests run everywhere: npm test -- --project unit`,
		);
	}
}

/** Throws unless this is root on Linux. */
export function needRootOnLinux(what: string): void {
	needLinux(what);
	if (process.getuid?.() !== 0) throw new Error(`${what} need root or sudo: they make mount namespaces`);
}

/**
 * Returns at once when we are root on Linux. Otherwise runs this very script again through sudo and ends with its status,
 * so it never returns. `why` is told to the person before sudo asks for anything.
 */
export function continueAsRoot(why: string, say: (line: string) => void): void {
	needLinux(why);
	if (process.getuid?.() === 0) return;
	say(`${why} need root (they make mount namespaces): going on through sudo.`);
	const ours = Object.keys(process.env).filter((name) => name.startsWith('NIX_CACHE_ACTION_'));
	const keep = `--preserve-env=${[...KEPT_VARIABLES, ...ours].join(',')}`;
	const { status, error } = spawnSync('sudo', [keep, process.execPath, ...process.argv.slice(1)], { stdio: 'inherit' });
	if (error) throw new Error(`${why} need root, and sudo could not be started: ${error.message}`);
	process.exit(status ?? 1);
}
