/**
 * Nix expressions for tests. They need no nixpkgs and work with every Nix: the builder is the machine's /bin/sh, the system the
 * machine's own. Each function returns the text of an expression; `salt` makes paths that no other test has.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandOptions, Machine } from './machine.ts';

export interface DerivationParts {
	readonly name: string;
	/** Shell text; the programs of /bin and /usr/bin are there, and every part of `env` as a variable. */
	readonly script: string;
	/** Variable to Nix expression, such as `base` to `base`. A derivation here becomes a build-time dependency. */
	readonly env?: Readonly<Record<string, string>>;
	readonly outputs?: readonly string[];
}

/** A `derivation { ... }`. */
export function derivation({ name, script, env = {}, outputs = ['out'] }: DerivationParts): string {
	const attributes = {
		...env,
		name: quote(name),
		system: 'builtins.currentSystem',
		builder: '"/bin/sh"',
		args: `[ "-euc" ${quote(`PATH=/usr/bin:/bin\n${script}`)} ]`,
		outputs: `[ ${outputs.map(quote).join(' ')} ]`,
	};
	return `derivation { ${Object.entries(attributes)
		.map(([attribute, value]) => `${attribute} = ${value};`)
		.join(' ')} }`;
}

/** The attributes of `graph`, dependencies first. `app` has two outputs. */
export const GRAPH = ['base', 'lib', 'tool', 'app'] as const;

/**
 * A set of four derivations with real references: `lib` refers to `base` and to itself, `app` to `lib` and from its second output to
 * its first, and `tool` is only needed for building `app`.
 */
export function graph(salt: string): string {
	const base = derivation({ name: `base-${salt}`, script: `mkdir $out; echo "base ${salt}" > $out/base` });
	const lib = derivation({ name: `lib-${salt}`, script: 'mkdir $out; echo "$out uses $base" > $out/lib', env: { base: 'base' } });
	const tool = derivation({
		name: `tool-${salt}`,
		script: 'mkdir -p $out/bin; echo \'cat "$1"\' > $out/bin/tool; chmod +x $out/bin/tool',
	});
	const app = derivation({
		name: `app-${salt}`,
		script: 'mkdir $out $doc; sh $tool/bin/tool $lib/lib > $out/app; echo "$lib" > $out/uses; echo "about $out" > $doc/README',
		env: { lib: 'lib', tool: 'tool' },
		outputs: ['out', 'doc'],
	});
	return `rec { base = ${base}; lib = ${lib}; tool = ${tool}; app = ${app}; }`;
}

/** A chain of `length` derivations, each referring to the one before; the last is the result. */
export function chain(length: number, salt: string): string {
	const link = derivation({
		name: `link-${salt}`,
		script: 'echo "$number after $before" > $out',
		env: { number: 'toString n', before: 'before' },
	});
	return `builtins.foldl' (before: n: ${link}) "" (builtins.genList (n: n) ${length})`;
}

/** Outputs of one derivation of `manyPaths`: more make Nix's search for references slow, fewer mean more builds. */
const BATCH = 60;

/**
 * `count` small paths that Nix itself built and registered, quickly: derivations with many outputs, each output a folder that
 * refers to two earlier ones. The result refers to all others, so its closure is all of them.
 */
export function manyPaths(count: number, salt: string): string {
	const script = `
paths=
for name in $outputs; do eval "paths=\\"\\$paths \\$$name\\""; done
mkdir $paths
set -- $paths
i=0
for path in $paths; do
	i=$((i + 1))
	eval "half=\\\${$((i / 2 + 1))}"
	[ $i -lt 3 ] && half=$before
	echo "path $i of ${salt} $number" > "$path/data"
	echo "$half $before" > "$path/uses"
done`;
	const batches = Array.from({ length: Math.ceil((count - 1) / BATCH) }, (_, number) => {
		const outputs = Array.from({ length: Math.min(BATCH, count - 1 - number * BATCH) }, (_, index) =>
			index === 0 ? 'out' : `o${index}`,
		);
		const env = { number: quote(String(number)), before: number === 0 ? '""' : `b${number - 1}` };
		return `b${number} = ${derivation({ name: `many-${salt}-${number}`, script, env, outputs })};`;
	});
	const every = batches.map((_, number) => `b${number}.all`).join(' ++ ');
	const env = { paths: `${every}`, passAsFile: '[ "paths" ]' };
	return `with rec { ${batches.join('\n')} }; ${derivation({ name: `all-${salt}`, script: 'cp "$pathsPath" $out', env })}`;
}

/** A fixed-output derivation (its path depends on the content alone, its CA field is set). */
export function fixedOutput(name: string, text: string): string {
	const hash = createHash('sha256').update(text).digest('hex');
	const env = { outputHash: quote(hash), outputHashAlgo: '"sha256"', outputHashMode: '"flat"' };
	return derivation({ name, script: `printf %s ${shellQuote(text)} > $out`, env });
}

/** A text path, as `builtins.toFile` makes it; its value is the path, so build it as part of something or evaluate it. */
export function textPath(name: string, text: string): string {
	return `builtins.toFile ${quote(name)} ${quote(text)}`;
}

/** A folder imported as a source; the value is its store path. */
export function source(folder: string, name = 'source'): string {
	return `builtins.path { path = ${folder}; name = ${quote(name)}; }`;
}

/** Everything that a NAR can hold and that is easily done wrong: names that are not UTF-8, order, modes, links, empty things. */
export function awkwardFiles(salt: string): string {
	const script = `
mkdir $out && cd $out
for name in 'a b' a-b a.b a_b A a aa "$(printf '\\303\\251')" "$(printf '\\351\\377')" '\${x}' '"' "'"; do echo "${salt}" > "$name"; done
mkdir empty "$(printf 'dir-\\200')"
echo inside > "$(printf 'dir-\\200')/$(printf '\\376')"
: > nothing
printf 1234567 > seven; printf 12345678 > eight
echo run > runs; chmod 755 runs
echo quiet > others; chmod 654 others
ln seven hard
ln -s nowhere dangling
ln -s "$out/seven" absolute
ln -s "$(printf 'odd-\\377')" odd-target
ln -s . here`;
	return derivation({ name: `awkward-${salt}`, script });
}

/** A build that copies what is at `path` in the machine (builds are not sandboxed), such as a file of `writeBytes`. */
export function copyOf(path: string, name: string): string {
	return derivation({ name, script: `cp -r ${shellQuote(path)} $out` });
}

/**
 * Writes a file of `mebibytes` MiB with bytes that depend on `seed` alone. `entropy` is the share of random bytes: 1 can't be
 * compressed, 0.5 about to a half. Fast (AES), so that gigabytes are no problem.
 */
export async function writeBytes(path: string, mebibytes: number, entropy: number, seed: string): Promise<void> {
	const key = createHash('sha256').update(seed).digest();
	const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
	const zeros = Buffer.alloc(1 << 20);
	const out = createWriteStream(path);
	for (let done = 0; done < mebibytes; done++) {
		const block = cipher.update(zeros);
		for (let at = 0; at < block.length && entropy < 1; at += 256) block.fill('nix ', at + Math.round(256 * entropy), at + 256);
		if (!out.write(block)) await once(out, 'drain');
	}
	out.end();
	await once(out, 'close');
}

/**
 * A build whose output is one large file: `mebibytes` MiB (see `writeBytes`). The bytes lie in the machine's work folder.
 */
export async function largePath(machine: Machine, name: string, mebibytes: number, entropy = 0.5): Promise<string> {
	const path = join(machine.work, `bytes-of-${name}`);
	await writeBytes(path, mebibytes, entropy, name);
	return copyOf(path, name);
}

let expressions = 0;

/** Builds what an expression says, or attributes of it, and returns the store paths that nix-build prints: the default outputs. */
export async function build(
	machine: Machine,
	expression: string,
	options: CommandOptions & { readonly attributes?: readonly string[] } = {},
): Promise<readonly string[]> {
	const path = join(machine.work, `expression-${++expressions}.nix`);
	writeFileSync(path, expression);
	const attributes = (options.attributes ?? []).flatMap((attribute) => ['-A', attribute]);
	const output = await machine.run(['nix-build', '--no-out-link', path, ...attributes], options);
	return output.split('\n');
}

/** Builds one thing with one output. */
export async function buildOne(machine: Machine, expression: string, options: CommandOptions = {}): Promise<string> {
	const [path, ...more] = await build(machine, expression, options);
	if (path === undefined || more.length > 0) throw new Error(`expected one path, there are ${more.length + 1}`);
	return path;
}

/** A Nix string literal. */
function quote(text: string): string {
	return `"${text.replace(/["\\]|\$(?=\{)/g, '\\$&')}"`;
}

function shellQuote(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}
