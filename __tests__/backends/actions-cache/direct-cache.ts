/** Our client of protocol v2 on the tests' service, for one test file: each test has a repository and a log of its own, and none may end with a secret in it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { CacheService as Service } from '../../../src/backends/actions-cache/cache-service.ts';
import { openDirect } from '../../../src/backends/actions-cache/direct.ts';
import { cacheVersion } from '../../../src/backends/actions-cache/format/keys.ts';
import type { ObjectBody } from '../../../src/bodies/body.ts';
import { describeError } from '../../../src/errors.ts';
import { createHttpClient, type HttpClient } from '../../../src/http/client.ts';
import { recordingLog } from '../../http/peers/means.ts';
import type { Job } from '../../support/cache-service/job.ts';
import { type CacheService, startCacheService } from '../../support/cache-service.ts';

export const signal = new AbortController().signal;

export interface DirectCache {
	readonly service: CacheService;
	/** Where blobs are spooled. */
	readonly folder: string;
	readonly repository: string;
	open(job?: Job, environment?: Readonly<Record<string, string>>): Service;
	/** Lets the clock of URLs go on. */
	passMs(ms: number): void;
	/** What a read or a save fails with; it is looked through for secrets as the log is. */
	failureOf(promise: Promise<unknown>): Promise<unknown>;
}

/** The fields may be used inside of tests and hooks only. */
export function useDirectCache(): DirectCache {
	let service: CacheService;
	let folder = '';
	let client: HttpClient;
	let log = recordingLog();
	let secrets: string[] = [];
	let errors: unknown[] = [];
	let opened: Service[] = [];
	let nowMs = 0;
	let number = 0;

	beforeAll(async () => {
		service = await startCacheService();
	});
	afterAll(() => service.stop());
	beforeEach(() => {
		[secrets, errors, opened, nowMs, log] = [[], [], [], 0, recordingLog()];
		folder = join(mkdtempSync(join(tmpdir(), 'direct-')), 'transfer');
		client = createHttpClient({ env: {}, log, attempts: 3, patienceMs: 4_000 });
		service.resetCounters();
		number++;
	});
	afterEach(async () => {
		service.clearFaults();
		for (const one of opened) await one.close();
		await client.close();
		rmSync(join(folder, '..'), { recursive: true });
		expect(service.violations()).toEqual([]);
		expect(service.counters().blobHeads).toBe(0);
		const told = [...log.lines, ...errors.map((error) => `${describeError(error)} ${String(error)}`)].join('\n');
		for (const secret of secrets) expect(told).not.toContain(secret);
	});

	const repository = (): string => `owner/direct-${number}`;
	return {
		get service() {
			return service;
		},
		get folder() {
			return folder;
		},
		get repository() {
			return repository();
		},
		passMs(ms) {
			nowMs += ms;
		},
		open(job = {}, environment = service.environment({ repository: repository(), ...job })) {
			const token = environment.ACTIONS_RUNTIME_TOKEN ?? '';
			secrets.push(token);
			const one = openDirect({
				client,
				baseUrl: new URL(environment.ACTIONS_RESULTS_URL ?? ''),
				token,
				version: cacheVersion('/nix/store'),
				whyNoRead: null,
				whyNoWrite: null,
				folder,
				mask: (secret) => secrets.push(secret),
				nowMs: () => nowMs,
			});
			opened.push(one);
			return one;
		},
		async failureOf(promise) {
			const error: unknown = await promise.then(
				() => null,
				(thrown: unknown) => thrown,
			);
			errors.push(error);
			return error;
		},
	};
}

export async function collect(stream: Readable | null | undefined): Promise<Buffer | null> {
	if (!stream) return null;
	const parts: Uint8Array[] = [];
	for await (const part of stream) parts.push(part);
	return Buffer.concat(parts);
}

/** A body as a spool file is one: it can only be streamed. */
export function streamed(bytes: Uint8Array, sizeBytes = bytes.length): ObjectBody {
	const pieces = Array.from({ length: Math.ceil(bytes.length / 60_000) }, (_, index) =>
		bytes.subarray(60_000 * index, 60_000 * (index + 1)),
	);
	return { sizeBytes, bytes: null, stream: () => Readable.from(pieces, { objectMode: false }) };
}
