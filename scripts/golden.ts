/**
 * `sudo node scripts/golden.ts`: makes the data in `__tests__/nix/golden` again with the Nix and the curl of this machine (Nix 2.8.0 and
 * curl 7.88.1 made what is committed). Needs root and Linux: it runs itself in a mount namespace with a temporary folder as /nix, so the
 * machine's own store is not touched. `golden/narinfo/cache.nixos.org` is not made here; that cache published it.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NETRC_CASES } from '../__tests__/nix/netrc-cases.ts';
import { plantTree, TREES } from '../__tests__/nix/trees.ts';

const golden = join(import.meta.dirname, '..', '__tests__', 'nix', 'golden');

/** No substituters, no build users, no sandbox: nothing but this machine's /bin/sh is needed. */
const NIX_CONFIG = [
	'substitute = false',
	'sandbox = false',
	'build-users-group =',
	'experimental-features = nix-command ca-derivations',
].join('\n');

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Buffer {
	return execFileSync(command, args, {
		env: { ...process.env, NIX_CONFIG, ...env },
		maxBuffer: 64 * 1024 * 1024,
		stdio: ['ignore', 'pipe', 'inherit'],
	});
}

function nix(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
	return run('nix', ['--offline', ...args], env).toString();
}

function writeJson(name: string, value: unknown): void {
	writeFileSync(join(golden, name), `${JSON.stringify(value, null, '\t')}\n`);
}

function dumpTrees(work: string): void {
	mkdirSync(join(golden, 'nar'), { recursive: true });
	for (const [name, tree] of Object.entries(TREES)) {
		const path = join(work, `tree-${name}`);
		plantTree(Buffer.from(path), tree);
		writeFileSync(join(golden, 'nar', `${name}.nar`), run('nix-store', ['--dump', path]));
	}
}

function hashes(): void {
	const texts = ['', 'a', 'nix', 'The quick brown fox jumps over the lazy dog', 'é'.repeat(100)];
	const rows = ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) =>
		texts.map((text) => {
			const path = join(tmpdir(), 'golden-hash-input');
			writeFileSync(path, text);
			const hash = (...form: readonly string[]): string =>
				run('nix-hash', ['--type', algorithm, '--flat', ...form, path])
					.toString()
					.trim();
			const hex = hash();
			rmSync(path);
			return { algorithm, hex, nix32: convert(algorithm, hex, 'to-base32'), sri: convert(algorithm, hex, 'to-sri') };
		}),
	);
	writeJson('hashes.json', rows);
}

function convert(algorithm: string, hex: string, form: string): string {
	return nix(['hash', form, '--type', algorithm, hex]).trim();
}

interface NixPathInfo {
	readonly path: string;
	readonly references: readonly string[];
	readonly ca?: string;
}

function pathInfos(paths: readonly string[], env: Readonly<Record<string, string>> = {}): readonly NixPathInfo[] {
	const parsed: readonly NixPathInfo[] = JSON.parse(nix(['path-info', '--json', ...paths], env));
	return parsed;
}

/** A file that refers to itself and, when there are any, to others; built, as only builders can refer to their output. */
const BUILT = `
	{ name, text ? "", deps ? [] }: derivation {
		inherit name text deps;
		system = builtins.currentSystem;
		builder = "/bin/sh";
		args = [ "-c" "echo $out $text $deps > $out" ];
	}`;

function build(expression: string): string {
	return run('nix-build', ['--no-out-link', '-E', `let built = ${BUILT}; in ${expression}`])
		.toString()
		.trim();
}

function evaluate(expression: string): string {
	return run('nix-instantiate', ['--eval', '--read-write-mode', '-E', expression]).toString().trim().replaceAll('"', '');
}

function contentAddresses(work: string): void {
	const file = join(work, 'file.txt');
	const tree = join(work, 'tree');
	writeFileSync(file, 'content\n');
	plantTree(Buffer.from(tree), TREES.nested ?? { kind: 'directory', entries: [] });
	const store = (...args: readonly string[]): string => run('nix-store', args).toString().trim();
	const made = [
		store('--add', file),
		store('--add', tree),
		...['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) => [
			store('--add-fixed', algorithm, file),
			store('--add-fixed', '--recursive', algorithm, tree),
		]),
		evaluate('builtins.toFile "plain.txt" "no references"'),
		evaluate('builtins.toFile "refers.txt" (builtins.toFile "one.txt" "1")'),
		evaluate('builtins.toFile "refers-3.txt" (toString (map (name: builtins.toFile name "1") [ "z.txt" "a.txt" "m" ]))'),
		evaluate(`"\${builtins.path { path = ${file}; name = "renamed.txt"; }}"`),
		evaluate(`"\${builtins.path { path = ${file}; name = "flat.txt"; recursive = false; }}"`),
		evaluate(`"\${builtins.path { path = ${tree}; name = "with+odd_chars?=-1.0"; }}"`),
	];
	const closure = build('built { name = "top"; deps = [ (built { name = "dep-b"; }) (built { name = "dep-a"; }) ]; }');
	const rewritten: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
		nix(['store', 'make-content-addressed', '--json', '--recursive', closure]),
	);
	made.push(...Object.values(rewritten.rewrites ?? {}));
	const custom = { NIX_STORE_DIR: '/srv/nix/store', NIX_REMOTE: `local?root=${join(work, 'custom')}` };
	const elsewhere = [
		run('nix-store', ['--add', file], custom).toString().trim(),
		run('nix-store', ['--add-fixed', 'sha1', file], custom).toString().trim(),
	];
	const rows = [...pathInfos(made), ...pathInfos(elsewhere, custom)].map(({ path, references, ca }) => ({
		path,
		references,
		ca,
	}));
	writeJson('content-addresses.json', rows);
}

/** The key stays when there is one, so that signatures stay. */
function keyPair(name: string): string {
	mkdirSync(join(golden, 'keys'), { recursive: true });
	const secret = join(golden, 'keys', `${name}.secret`);
	if (!existsSync(secret)) {
		run('nix-store', ['--generate-binary-cache-key', name, secret, join(golden, 'keys', `${name}.public`)]);
	}
	return secret;
}

/**
 * `nix copy` of a closure with references, self-references, derivers and two signatures, and of one content-addressed path. Not with
 * gzip, which writes the time into its output.
 */
function binaryCache(work: string): void {
	const folder = join(golden, 'narinfo', 'nix-copy');
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	const [first, second] = [keyPair('test-1'), keyPair('test-2')];
	const source = run('nix-store', ['--add', join(work, 'file.txt')])
		.toString()
		.trim();
	const top = build('built { name = "signed"; deps = [ (built { name = "dependency"; text = "no one"; }) ]; }');
	nix(['store', 'sign', '--recursive', '--key-file', first, top]);
	for (const compression of ['xz', 'zstd', 'br']) {
		const cache = join(work, `cache-${compression}`);
		nix(['copy', '--to', `file://${cache}?secret-key=${second}&compression=${compression}`, top, source]);
		for (const name of readdirSync(cache)) {
			if (name.endsWith('.narinfo')) {
				writeFileSync(join(folder, name.replace('.narinfo', `-${compression}.narinfo`)), readFileSync(join(cache, name)));
			}
		}
		writeFileSync(join(golden, 'nix-cache-info'), readFileSync(join(cache, 'nix-cache-info')));
	}
}

const NIX_CONF = `# a comment, then an empty line

substituters = https://one.example \thttps://two.example?priority=10   # with a comment
trusted-public-keys =   one.example-1:AAAA=   two:BBBB==
\tnetrc-file = /some/where with blanks/netrc
max-jobs = 3
!include missing.conf
include other.conf
builders =
`;

function nixConf(work: string): void {
	const folder = join(work, 'conf');
	mkdirSync(folder);
	writeFileSync(join(folder, 'nix.conf'), NIX_CONF);
	writeFileSync(join(folder, 'other.conf'), 'cores = 2\n');
	const shown: Readonly<Record<string, { readonly value: unknown }>> = JSON.parse(
		nix(['show-config', '--json'], { NIX_CONF_DIR: folder }),
	);
	const names = ['substituters', 'trusted-public-keys', 'netrc-file', 'max-jobs', 'builders'];
	writeJson('nix-conf.json', { text: NIX_CONF, values: Object.fromEntries(names.map((name) => [name, shown[name]?.value])) });
}

/** What curl sends for each netrc: `login:password`, `null` for nothing. */
async function netrc(work: string): Promise<void> {
	const server = createServer((request, response) => response.end(request.headers.authorization ?? ''));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	const port = typeof address === 'object' ? address?.port : 0;
	const path = join(work, 'netrc');
	const rows = [];
	for (const [what, text] of Object.entries(NETRC_CASES)) {
		writeFileSync(path, text);
		const { stdout } = await promisify(execFile)('curl', ['--silent', '--netrc-file', path, `http://127.0.0.1:${port}/`]);
		rows.push({ what, sends: stdout === '' ? null : Buffer.from(stdout.replace('Basic ', ''), 'base64').toString() });
	}
	server.close();
	writeJson('netrc.json', rows);
}

async function make(): Promise<void> {
	const work = mkdtempSync(join(tmpdir(), 'golden-'));
	try {
		dumpTrees(work);
		hashes();
		contentAddresses(work);
		binaryCache(work);
		nixConf(work);
		await netrc(work);
		run(join(import.meta.dirname, '..', 'node_modules', '.bin', 'biome'), ['format', '--write', golden]);
	} finally {
		rmSync(work, { recursive: true, force: true });
	}
}

if (process.env.GOLDEN_INSIDE === 'yes') {
	await make();
} else {
	const script = 'mkdir -p /nix && mount -t tmpfs tmpfs /nix && exec "$0" "$1"';
	const { status } = spawnSync('unshare', ['--mount', 'sh', '-c', script, process.execPath, import.meta.filename], {
		env: { ...process.env, GOLDEN_INSIDE: 'yes', HOME: '/nonexistent' },
		stdio: 'inherit',
	});
	process.exitCode = status ?? 1;
}
