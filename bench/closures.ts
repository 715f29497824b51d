/** What the benchmarks push and read. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildOne, derivation } from '../__tests__/support/derivations.ts';
import type { Machine } from '../__tests__/support/machine.ts';
import { findRoot } from '../scripts/roots.ts';

/**
 * What stores are full of: programs and libraries. Those of this Node and of two Debian systems, each as one large path: a closure (each refers
 * to the one before, as programs do to their libraries) and the same three on their own.
 */
export async function storeLarge(machine: Machine, salt: string, chained: boolean): Promise<readonly string[]> {
	const files = ['libraries', 'more', 'node'].map((name) => join(machine.work, `large-${name}`));
	const [libraries = '', more = '', node = ''] = files;
	execFileSync('tar', ['-cf', libraries, '-C', findRoot('2.26').directory, 'usr/lib', 'usr/bin']);
	execFileSync('tar', ['-cf', more, '-C', findRoot('2.8').directory, 'usr/lib', 'usr/bin']);
	copyFileSync(process.execPath, node);
	const paths: string[] = [];
	for (const [index, file] of files.entries()) {
		const before = chained ? (paths.at(-1) ?? 'nothing') : 'nothing';
		const script = `mkdir $out; cp ${file} $out/data; echo "$before ${salt}" > $out/uses`;
		const uses = before === 'nothing' ? '"nothing"' : `builtins.storePath "${before}"`;
		paths.push(await buildOne(machine, derivation({ name: `large-${salt}-${index}`, script, env: { before: uses } })));
		rmSync(file);
	}
	return chained ? paths.slice(-1) : paths;
}

export function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function shown(values: readonly number[]): string {
	return `${median(values).toFixed(2)} s (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
}
