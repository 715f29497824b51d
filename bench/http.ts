/**
 * `npm run bench`: the end of a job (the whole post process, as the runner starts it) against `nix copy`, on the same machine, store and nginx.
 * Both in turn, medians, ratios. README.md has what was seen.
 *
 *     npm run bench -- [--nix 2.26] [--runs 5] [large] [toolchains] [small] [delay] [empty] [memory] [xz]
 */
import { rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { buildOne, copyOf, manyPaths, writeBytes } from '../__tests__/support/derivations.ts';
import { BARE_START, createMachine, type Machine } from '../__tests__/support/machine.ts';
import { type Nginx, startNginx } from '../__tests__/support/nginx.ts';
import { startDelayProxy } from '../__tests__/support/proxy.ts';
import type { StageResult } from '../__tests__/support/runner/steps.ts';
import { run, runJob, uses } from '../__tests__/support/runner.ts';
import { ensureRoots } from '../scripts/roots.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { benchArguments } from './arguments.ts';
import { closureMebibytes, median, shown, storeLarge, storeToolchains } from './closures.ts';
import { emptyFolder, sizeOf } from './empty-folder.ts';

const { nix, runs, wants } = benchArguments({ parts: ['large', 'toolchains', 'small', 'delay', 'empty', 'memory', 'xz'] });

const secret = formatSecretKey(generateKey('bench-1'));

async function post(machine: Machine, nginx: Nginx, url: string, more: Readonly<Record<string, string>>): Promise<StageResult> {
	const inputs = { cache: url, username: nginx.username, password: nginx.password, 'signing-key': secret, ...more };
	const job = await runJob(machine, [uses({ with: inputs })]);
	if (job.status !== 'success' || job.annotations.length > 0) throw new Error(job.log);
	return job.stage('post');
}

async function copySeconds(
	machine: Machine,
	nginx: Nginx,
	url: string,
	parameters: string,
	paths: readonly string[],
): Promise<number> {
	machine.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ${nginx.username} password ${nginx.password}\n`, 0o600);
	rmSync(join(machine.root, 'root/.cache/nix'), { recursive: true, force: true });
	const startedMs = performance.now();
	await machine.nix(['copy', '--to', `${url.replace(/\/$/, '')}?${parameters}`, ...paths], { timeoutMs: 600_000 });
	return (performance.now() - startedMs) / 1000;
}

interface Case {
	readonly name: string;
	/** What `nix copy` gets beside the key. */
	readonly copy: string;
	readonly inputs: Readonly<Record<string, string>>;
}

async function compare(
	machine: Machine,
	nginx: Nginx,
	url: string,
	paths: readonly string[],
	cases: readonly Case[],
	count = runs,
): Promise<void> {
	for (const one of cases) {
		const [ours, theirs, ratios]: [number[], number[], number[]] = [[], [], []];
		let bytes = [0, 0];
		for (let index = count > 1 ? 0 : 1; index <= count; index++) {
			emptyFolder(nginx.folder);
			const seconds = (await post(machine, nginx, url, { paths: paths.join('\n'), ...one.inputs })).durationMs / 1000;
			const sent = sizeOf(nginx.folder);
			emptyFolder(nginx.folder);
			const copied = await copySeconds(machine, nginx, url, `secret-key=${machine.work}/key&${one.copy}`, paths);
			bytes = [sent, sizeOf(nginx.folder)];
			// The first pair warms up.
			if (index === 0 && count > 1) continue;
			ours.push(seconds);
			theirs.push(copied);
			ratios.push(copied / seconds);
		}
		const size = ((bytes[0] ?? 0) / (bytes[1] ?? 1)).toFixed(3);
		console.log(
			`${one.name}: post ${shown(ours)}, nix copy ${shown(theirs)}: ${median(ratios).toFixed(2)} times as fast, ${size} times the bytes`,
		);
	}
}

await ensureRoots([nix, '2.8', '2.26'], console.log);
await using machine = await createMachine({ nix });
await using nginx = await startNginx();
writeFileSync(join(machine.work, 'key'), secret);
console.log(
	`Nix ${machine.nixVersion}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, ${runs} runs each after one to warm up`,
);

async function compareClosure(closure: readonly string[]): Promise<void> {
	const size = await closureMebibytes(machine, closure);
	await compare(machine, nginx, nginx.url, closure, [
		{ name: `a closure of ${size} MiB, defaults against zstd`, copy: 'compression=zstd', inputs: {} },
		{ name: 'the same at level 3', copy: 'compression=zstd&compression-level=3', inputs: { 'compression-level': '3' } },
	]);
}

if (wants('toolchains')) await compareClosure(await storeToolchains(machine, 'closure'));

if (wants('large')) {
	const closure = await storeLarge(machine, 'closure', true);
	await compareClosure(closure);
	const single = await storeLarge(machine, 'single', false);
	await compare(machine, nginx, nginx.url, single, [
		{ name: 'the same files in 3 paths without references', copy: 'compression=zstd', inputs: {} },
	]);
	if (wants('xz'))
		await compare(
			machine,
			nginx,
			nginx.url,
			closure,
			[{ name: "the closure against nix copy's default (xz)", copy: '', inputs: {} }],
			1,
		);
}

if (wants('small') || wants('delay')) {
	const root = await buildOne(machine, manyPaths(1500, 'bench'));
	const number = (await machine.run(['nix-store', '--query', '--requisites', root])).split('\n').length;
	const paths = [root];
	const zstd = { copy: 'compression=zstd', inputs: {} };
	if (wants('small')) await compare(machine, nginx, nginx.url, paths, [{ name: `${number} small paths`, ...zstd }]);
	if (wants('delay')) {
		await using proxy = await startDelayProxy(nginx.port, 20);
		const url = nginx.url.replace(`:${nginx.port}`, `:${proxy.port}`);
		await compare(machine, nginx, url, paths, [{ name: `${number} small paths, 20 ms of round trip`, ...zstd }]);
	}
}

if (wants('empty')) {
	await using large = await createMachine({ nix });
	// Names alone make the snapshot and the difference; that they are not valid is never asked, since none is new.
	for (let index = 0; index < 50_000; index++)
		large.writeFile(`/nix/store/${index.toString().padStart(32, '0')}-path-${index}`, '');
	const inputs = { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret };
	const [nothing, bare]: [number[], number[]] = [[], []];
	for (let index = 0; index <= runs; index++) {
		const job = await runJob(large, [
			uses({ with: inputs }),
			uses({ name: 'bare', with: inputs, if: 'never', local: true }),
			// Any job takes longer than its pusher takes to start.
			run('sleep 2'),
		]);
		nothing.push(job.stage('post', 'action').durationMs / 1000);
		const startedMs = performance.now();
		await large.run(BARE_START);
		bare.push((performance.now() - startedMs) / 1000);
	}
	console.log(`nothing to push, 50,000 paths: post ${shown(nothing.slice(1))}, the bundle alone ${shown(bare.slice(1))}`);
}

if (wants('memory')) {
	const file = join(machine.work, 'huge');
	await writeBytes(file, 4096, 0.2, 'huge');
	const path = await buildOne(machine, copyOf(file, 'huge'), { timeoutMs: 600_000 });
	rmSync(file);
	emptyFolder(nginx.folder);
	const stage = await post(machine, nginx, nginx.url, { paths: path });
	console.log(
		`one path of 4 GiB: post ${(stage.durationMs / 1000).toFixed(1)} s, peak memory ${Math.round(stage.peakRssBytes / 2 ** 20)} MiB`,
	);
}
