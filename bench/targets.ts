/**
 * `node bench/targets.ts`: what two caches in one job cost beside one, and a folder against `nix copy` to another one on the same disk. The whole post process, on
 * the closure of `bench/closures.ts`; in turn, medians. README.md has what was seen.
 *
 *     node bench/targets.ts [--nix 2.26] [--runs 5] [two] [file] [toolchains | small]
 */
import { rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { buildOne, manyPaths } from '../__tests__/support/derivations.ts';
import { createMachine } from '../__tests__/support/machine.ts';
import { startNginx } from '../__tests__/support/nginx.ts';
import { runJob, uses } from '../__tests__/support/runner.ts';
import { ensureRoots } from '../scripts/roots.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { benchArguments } from './arguments.ts';
import { closureMebibytes, median, shown, storeLarge, storeToolchains } from './closures.ts';
import { emptyFolder, sizeOf } from './empty-folder.ts';

const { nix, runs, wants, has } = benchArguments({ parts: ['two', 'file'], others: ['toolchains', 'small'] });
const secret = formatSecretKey(generateKey('bench-1'));

await ensureRoots([nix, '2.8', '2.26'], console.log);
await using machine = await createMachine({ nix });
console.log(`Nix ${machine.nixVersion}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}`);
const closure = await store();
console.log(`a closure of ${await closureMebibytes(machine, closure)} MiB`);

async function store(): Promise<readonly string[]> {
	if (has('small')) return [await buildOne(machine, manyPaths(1500, 'targets'))];
	return has('toolchains') ? storeToolchains(machine, 'targets') : storeLarge(machine, 'targets', true);
}

/** Seconds of post. */
async function post(inputs: Readonly<Record<string, string>>): Promise<number> {
	const job = await runJob(machine, [uses({ with: { 'signing-key': secret, paths: closure.join('\n'), ...inputs } })]);
	if (job.status !== 'success' || job.annotations.length > 0) throw new Error(job.log);
	return job.stage('post').durationMs / 1000;
}

/** Both in turn after one to warm up; the ratio is that of each pair. */
async function compare(one: () => Promise<number>, other: () => Promise<number>) {
	const [ones, others, ratios]: [number[], number[], number[]] = [[], [], []];
	for (let index = 0; index <= runs; index++) {
		const [a, b] = [await one(), await other()];
		if (index === 0) continue;
		ones.push(a);
		others.push(b);
		ratios.push(b / a);
	}
	return { one: shown(ones), other: shown(others), ratio: median(ratios).toFixed(2) };
}

if (wants('two')) {
	await using first = await startNginx();
	await using second = await startNginx();
	const netrc = `machine 127.0.0.1 login ${first.username} password ${first.password}`;
	// Both have the same credentials: a netrc has one entry for a host.
	const target = async (caches: readonly string[]): Promise<number> => {
		for (const { folder } of [first, second]) emptyFolder(folder);
		return post({ cache: caches.join('\n'), netrc });
	};
	const { one, other, ratio } = await compare(
		() => target([first.url]),
		() => target([first.url, second.url]),
	);
	console.log(`one cache ${one}, two caches ${other}: ${ratio} times the time (goal: at most 1.3)`);
}

if (wants('file')) {
	const [ours, theirs] = [join(machine.work, 'ours'), join(machine.work, 'theirs')];
	writeFileSync(join(machine.work, 'key'), secret);
	const { one, other, ratio } = await compare(
		async () => {
			emptyFolder(ours);
			return post({ cache: `file://${ours}` });
		},
		async () => {
			emptyFolder(theirs);
			rmSync(join(machine.root, 'root/.cache/nix'), { recursive: true, force: true });
			const url = `file://${theirs}?compression=zstd&secret-key=${machine.work}/key`;
			const startedMs = performance.now();
			await machine.nix(['copy', '--to', url, ...closure], { timeoutMs: 600_000 });
			return (performance.now() - startedMs) / 1000;
		},
	);
	const bytes = (sizeOf(ours) / sizeOf(theirs)).toFixed(3);
	console.log(`a folder: post ${one}, nix copy ${other}: ${ratio} times as fast (goal: 2.5), ${bytes} times the bytes`);
}
