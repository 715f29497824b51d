/** What the benchmarks push and read. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianPackage } from '../__tests__/support/debian-package.ts';
import { buildOne, derivation } from '../__tests__/support/derivations.ts';
import type { Machine } from '../__tests__/support/machine.ts';
import { findRoot } from '../scripts/roots.ts';

/** One large file, made when it is its turn: several GiB of them need not lie side by side. */
interface Source {
	readonly name: string;
	readonly make: (file: string) => Promise<void> | void;
}

const tarOf = (name: string, folder: () => Promise<string> | string): Source => ({
	name,
	make: async (file) => void execFileSync('tar', ['-cf', file, '-C', await folder(), 'usr/lib', 'usr/bin']),
});

const packageOf = (name: string): Source => tarOf(name, async () => (await debianPackage(name, 'trixie')).folder);

const PROGRAMS: readonly Source[] = [
	tarOf('libraries', () => findRoot('2.26').directory),
	tarOf('more', () => findRoot('2.8').directory),
	{ name: 'node', make: (file) => copyFileSync(process.execPath, file) },
];

const TOOLCHAINS: readonly Source[] = ['openjdk-21-jre-headless', 'rustc', 'ghc'].map(packageOf);

/**
 * What stores are full of: programs and libraries. Those of this Node and of two Debian systems, each as one large path: a closure (each refers
 * to the one before, as programs do to their libraries) and the same three on their own.
 */
export function storeLarge(machine: Machine, salt: string, chained: boolean): Promise<readonly string[]> {
	return store(machine, PROGRAMS, salt, chained);
}

/** The closure, and behind it Java, Rust and Haskell, each with all that it needs: six paths of 2 GiB together. The first call on a machine fetches 400 MB. */
export function storeToolchains(machine: Machine, salt: string): Promise<readonly string[]> {
	return store(machine, [...PROGRAMS, ...TOOLCHAINS], salt, true);
}

async function store(machine: Machine, sources: readonly Source[], salt: string, chained: boolean): Promise<readonly string[]> {
	const paths: string[] = [];
	for (const [index, { name, make }] of sources.entries()) {
		const file = join(machine.work, `large-${name}`);
		await make(file);
		const before = chained ? (paths.at(-1) ?? 'nothing') : 'nothing';
		const script = `mkdir $out; cp ${file} $out/data; echo "$before ${salt}" > $out/uses`;
		const uses = before === 'nothing' ? '"nothing"' : `builtins.storePath "${before}"`;
		const expression = derivation({ name: `large-${salt}-${index}`, script, env: { before: uses } });
		paths.push(await buildOne(machine, expression, { timeoutMs: 300_000 }));
		rmSync(file);
	}
	return chained ? paths.slice(-1) : paths;
}

/** Of NARs together, in MiB: a path and all that it refers to. */
export async function closureMebibytes(machine: Machine, paths: readonly string[]): Promise<number> {
	const closure = (await machine.run(['nix-store', '--query', '--requisites', ...paths])).split('\n');
	const sizes = (await machine.run(['nix-store', '--query', '--size', ...closure])).split('\n');
	return Math.round(sizes.reduce((sum, size) => sum + Number(size), 0) / 2 ** 20);
}

export function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function shown(values: readonly number[]): string {
	return `${median(values).toFixed(2)} s (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
}
