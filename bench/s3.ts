/**
 * The end of a job (the whole post process) against `nix copy --to s3://…`, into buckets of the same server (Ceph's gateway). Debian's Nix signs no requests of S3, so
 * its bucket takes anybody's; the action signs. Both in turn, each into an empty bucket, medians, ratios. README.md has what was seen.
 *
 *     node bench/s3.ts [--nix 2.34] [--runs 3] [large] [toolchains] [small] [counted] [memory]
 *
 * `counted` shows both without a server that takes processor time: a bucket that counts, in this process.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { startCountingBucket } from '../__tests__/support/counting-bucket.ts';
import { buildOne, copyOf, manyPaths, writeBytes } from '../__tests__/support/derivations.ts';
import { createMachine, type Machine } from '../__tests__/support/machine.ts';
import type { StageResult } from '../__tests__/support/runner/steps.ts';
import { runJob, uses } from '../__tests__/support/runner.ts';
import { type S3Server, startS3Server } from '../__tests__/support/s3-server.ts';
import { ensureRoots } from '../scripts/roots.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { benchArguments } from './arguments.ts';
import { closureMebibytes, median, shown, storeLarge, storeToolchains } from './closures.ts';

const { nix, runs, wants } = benchArguments({
	parts: ['large', 'toolchains', 'small', 'counted', 'memory'],
	nix: '2.34',
	runs: 3,
});
/** For a bucket that checks no signature. */
const ANYBODY = { accessKeyId: 'any', secretAccessKey: 'any' };
const secret = formatSecretKey(generateKey('bench-1'));

/** An empty bucket for one run. */
interface Place {
	readonly url: string;
	/** Bytes of all that lies there. */
	size(): Promise<number>;
	close(): Promise<void>;
}

async function bucketOf(server: S3Server): Promise<Place> {
	const { name, url } = await server.makeBucket({ everybody: ['s3:GetObject', 's3:PutObject', 's3:ListBucket'] });
	return {
		url,
		async size() {
			const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: name }));
			return Contents.reduce((sum, { Size = 0 }) => sum + Size, 0);
		},
		close: async () => undefined,
	};
}

async function countedBucket(): Promise<Place> {
	const bucket = await startCountingBucket();
	return {
		url: bucket.url,
		size: async () => [...bucket.sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
		async close() {
			await bucket[Symbol.asyncDispose]();
		},
	};
}

async function post(
	machine: Machine,
	{ accessKeyId, secretAccessKey }: S3Server['owner'],
	bucket: Pick<Place, 'url'>,
	paths: readonly string[],
): Promise<StageResult> {
	const inputs = { cache: bucket.url, username: accessKeyId, password: secretAccessKey, 'signing-key': secret };
	const job = await runJob(machine, [uses({ with: { ...inputs, paths: paths.join('\n'), verify: 'none' } })]);
	if (job.status !== 'success' || job.annotations.length > 0) throw new Error(job.log);
	return job.stage('post');
}

async function copySeconds(machine: Machine, bucket: Pick<Place, 'url'>, paths: readonly string[]): Promise<number> {
	rmSync(join(machine.root, 'root/.cache/nix'), { recursive: true, force: true });
	const startedMs = performance.now();
	const to = `${bucket.url}&compression=zstd&secret-key=${machine.work}/key`;
	await machine.nix(['copy', '--to', to, ...paths], { timeoutMs: 600_000, env: { AWS_EC2_METADATA_DISABLED: 'true' } });
	return (performance.now() - startedMs) / 1000;
}

async function compare(
	name: string,
	paths: readonly string[],
	owner: S3Server['owner'],
	fresh: () => Promise<Place>,
): Promise<void> {
	const pairs: { readonly ours: number; readonly theirs: number; readonly bytes: number }[] = [];
	for (let index = 0; index <= runs; index++) {
		const [forUs, forNix] = [await fresh(), await fresh()];
		const ours = (await post(machine, owner, forUs, paths)).durationMs / 1000;
		const theirs = await copySeconds(machine, forNix, paths);
		// The first pair warms up.
		if (index > 0) pairs.push({ ours, theirs, bytes: (await forUs.size()) / (await forNix.size()) });
		await Promise.all([forUs.close(), forNix.close()]);
	}
	const ratio = median(pairs.map(({ ours, theirs }) => theirs / ours)).toFixed(2);
	const [ours, theirs] = [shown(pairs.map((pair) => pair.ours)), shown(pairs.map((pair) => pair.theirs))];
	console.log(
		`${name}: post ${ours}, nix copy ${theirs}: ${ratio} times as fast, ${median(pairs.map(({ bytes }) => bytes)).toFixed(3)} times the bytes`,
	);
}

await ensureRoots([nix, '2.26', '2.8'], console.log);
await using machine = await createMachine({ nix });
writeFileSync(join(machine.work, 'key'), secret);
console.log(
	`Nix ${machine.nixVersion}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, ${runs} runs each`,
);

async function compareClosure(closure: readonly string[]): Promise<void> {
	// This kind of store takes uploads in parts of keys with a dot, the other one does not.
	await using server = await startS3Server({ objects: 'database' });
	const size = await closureMebibytes(machine, closure);
	await compare(`a closure of ${size} MiB, defaults against zstd`, closure, server.owner, () => bucketOf(server));
}

if (wants('toolchains')) await compareClosure(await storeToolchains(machine, 's3'));
if (wants('large')) await compareClosure(await storeLarge(machine, 's3', true));

if (wants('small')) {
	await using server = await startS3Server();
	await compare('1,500 small paths', [await buildOne(machine, manyPaths(1500, 'bench-s3'))], server.owner, () =>
		bucketOf(server),
	);
}

if (wants('counted')) {
	const closure = await storeToolchains(machine, 's3');
	await compare(`counted: a closure of ${await closureMebibytes(machine, closure)} MiB`, closure, ANYBODY, countedBucket);
	await compare('counted: 1,500 small paths', [await buildOne(machine, manyPaths(1500, 'counted'))], ANYBODY, countedBucket);
}

if (wants('memory')) {
	// Ceph's test stores can't take 384 parts of one object: one loses parts that come side by side, from Amazon's own client too, the other takes no key with a dot in parts.
	await using bucket = await startCountingBucket();
	const file = join(machine.work, 'huge');
	// Bytes without order: all of them go up.
	await writeBytes(file, 6144, 1, 'huge');
	const path = await buildOne(machine, copyOf(file, 'huge'), { timeoutMs: 600_000 });
	rmSync(file);
	const { durationMs, peakRssBytes } = await post(machine, ANYBODY, bucket, [path]);
	const sentGiB = Math.max(...bucket.sizes.values()) / 2 ** 30;
	console.log(
		`one path of ${sentGiB.toFixed(2)} GiB: post ${(durationMs / 1000).toFixed(0)} s, peak memory ${Math.round(peakRssBytes / 2 ** 20)} MiB (goal: at most 256)`,
	);
}
