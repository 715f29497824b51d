import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBackend } from '../../../src/backends/open.ts';
import { openS3, type S3Store } from '../../../src/backends/s3/store.ts';
import type { BodyPart, DivisibleBody, ObjectBody } from '../../../src/bodies/body.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import type { HttpClient } from '../../../src/http/client.ts';
import { generateKey, publicKeyOf } from '../../../src/nix/signature.ts';
import { bodyOfZeros, never, recordingLog, testClient } from '../../http/peers/means.ts';
import { startServer } from '../../http/peers/server.ts';
import { type Bucket, type BucketPolicy, type S3Server, type S3User, startS3Server } from '../../support/s3-server.ts';
import { backendContract } from '../backend-contract.ts';
import { objectStoreContract } from '../object-store-contract.ts';
import { pathOf, STORE_DIR, sourceOf } from '../peers/paths.ts';
import { environment, targetOf } from './targets.ts';

let server: S3Server;
let client: HttpClient;
beforeAll(async () => {
	server = await startS3Server();
}, 400_000);
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(() => {
	client = testClient();
	environment({}, vi.stubEnv);
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await client.close();
});

const open = (url: string, user: S3User | null = server.owner): S3Store =>
	openS3(targetOf(url, user), { client, log: recordingLog() });

objectStoreContract('a bucket', async () => ({ store: open((await server.makeBucket()).url), dispose: async () => undefined }));

objectStoreContract('a folder in a bucket', async () => {
	const url = (await server.makeBucket()).url.replace('?', '/some/folder?');
	return { store: open(url), dispose: async () => undefined };
});

const key = generateKey('test-1');
const backendMeans = () => ({
	client,
	log: recordingLog(),
	storeDir: STORE_DIR,
	signingKey: key,
	publicKeys: [publicKeyOf(key)],
	netrc: [],
	lookups: 8,
	env: {},
	sharesKey: false,
});
const job = (url: string, user: S3User | null = server.owner) => openBackend(targetOf(url, user), backendMeans());

backendContract('a binary cache in a bucket that everybody may read', async () => {
	const { url } = await server.makeBucket({ everybody: ['s3:GetObject'] });
	return { job: () => job(url), dispose: async () => undefined };
});

backendContract('a binary cache in a bucket whose user may not list it', async () => {
	const { url } = await server.makeBucket({ guest: ['s3:GetObject', 's3:PutObject'] });
	const owner = await job(url);
	await owner.check(true, never);
	await owner.close();
	return { job: () => job(url, server.guest), dispose: async () => undefined };
});

describe('what Nix reads from', () => {
	it('is the plain URL of a bucket that everybody may read, with the parameters for readers', async () => {
		const bucket = await server.makeBucket({ everybody: ['s3:GetObject'] });
		const backend = await job(`${bucket.url}&priority=30`);
		await backend.check(true, never);
		expect(backend.reads()).toEqual({
			substituters: [`${bucket.httpUrl}?priority=30`],
			publicKeys: [],
			netrc: [],
			throughUs: false,
			priority: null,
		});
	});

	it('is the local substituter where a bucket is private', async () => {
		const backend = await job((await server.makeBucket()).url);
		await backend.check(true, never);
		expect(backend.reads()).toEqual({ substituters: [], publicKeys: [], netrc: [], throughUs: true, priority: null });
	});

	it('is asked at its own priority where a bucket is private, too', async () => {
		const { url } = await server.makeBucket();
		const text = 'StoreDir: /nix/store\nPriority: 12\n';
		await open(url).put('nix-cache-info', bodyOfBytes(Buffer.from(text)), 'text/x-nix-cache-info', never);
		const backend = await job(url);
		await backend.check(false, never);
		expect(backend.reads()).toMatchObject({ throughUs: true, priority: 12 });
	});

	it('is read without any credentials where everybody may', async () => {
		const bucket = await server.makeBucket({ everybody: ['s3:GetObject'] });
		const path = pathOf('hello');
		const owner = await job(bucket.url);
		await owner.check(true, never);
		await (await owner.prepare(path.info, sourceOf(path), never))(never);
		const anybody = await job(bucket.url, null);
		expect(await anybody.check(false, never)).toMatchObject({ readable: true, note: null });
		expect(await anybody.readBack(path.info, never)).toEqual({ ok: true });
		await expect(anybody.prepare(pathOf('other').info, sourceOf(pathOf('other')), never)).rejects.toMatchObject({
			code: 'cache-unauthorized',
			hint: expect.stringContaining('no AWS credentials'),
		});
	});
});

/** A body whose parts are read as `stream` says. */
function inParts(body: DivisibleBody, stream: (part: ObjectBody, start: number) => Readable): DivisibleBody {
	const part = (start: number, end: number): BodyPart => {
		const plain = body.part(start, end);
		return { ...plain, stream: () => stream(plain, start) };
	};
	return { ...body, part };
}

it('what is not there is absent at once to who was told that the bucket can be read, also without the right to list it', async () => {
	const { url } = await server.makeBucket({ guest: ['s3:GetObject'] });
	const target = targetOf(url, server.guest);
	const means = { client, log: recordingLog() };
	expect(await openS3(target, means, true).get('0a1b.narinfo', 100, never)).toBeNull();
	await expect(openS3(target, means).get('0a1b.narinfo', 100, never)).rejects.toMatchObject({ code: 'cache-forbidden' });
});

describe('an upload in parts', () => {
	let bucket: Bucket;
	let store: S3Store;
	beforeEach(async () => {
		bucket = await server.makeBucket();
		store = open(bucket.url);
	});
	const unfinished = async () =>
		(await server.client.send(new ListMultipartUploadsCommand({ Bucket: bucket.name }))).Uploads ?? [];

	it('brings a large object whole, in parts of one size', async () => {
		const bytes = randomBytes(70_000_001);
		const body = { ...bodyOfBytes(bytes), bytes: null };
		await store.put('nar/large', body, 'application/x-nix-nar', never);
		expect(await store.size('nar/large', never)).toBe(bytes.length);
		const { ContentType, ETag } = await server.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: 'nar/large' }));
		expect([ContentType, ETag]).toEqual(['application/x-nix-nar', expect.stringMatching(/-5"?$/)]);
		const { Body } = await server.client.send(new GetObjectCommand({ Bucket: bucket.name, Key: 'nar/large' }));
		const hash = (what: Uint8Array) => createHash('sha256').update(what).digest('hex');
		expect(hash((await Body?.transformToByteArray()) ?? new Uint8Array())).toBe(hash(bytes));
		expect(await unfinished()).toEqual([]);
	});

	it('that is stopped leaves nothing', async () => {
		const stop = new AbortController();
		const zeros = bodyOfZeros(200_000_000);
		let readBytes = 0;
		async function* stopping(part: ObjectBody) {
			for await (const chunk of part.stream()) {
				const bytes: Uint8Array = chunk;
				readBytes += bytes.length;
				if (readBytes > 60_000_000) stop.abort();
				yield bytes;
			}
		}
		const body = inParts(zeros, (part) => Readable.from(stopping(part), { objectMode: false }));
		await expect(store.put('nar/large', body, '', stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
		expect(await store.size('nar/large', never)).toBeNull();
		expect(await unfinished()).toEqual([]);
	});

	it('whose body can not be read says so, and leaves nothing', async () => {
		const zeros = bodyOfZeros(200_000_000);
		async function* breaking(start: number, part: ObjectBody) {
			if (start === 0) yield* part.stream();
			else throw Object.assign(new Error('EIO: read'), { code: 'EIO' });
		}
		const body = inParts(zeros, (part, start) => Readable.from(breaking(start, part), { objectMode: false }));
		await expect(store.put('nar/large', body, '', never)).rejects.toMatchObject({ code: 'file-failed' });
		expect(await unfinished()).toEqual([]);
	});
});

describe('an object that is opened', () => {
	let store: S3Store;
	const bytes = randomBytes(300_000);
	beforeAll(async () => {
		const means = { client: testClient(), log: recordingLog() };
		const target = targetOf((await server.makeBucket()).url, server.owner);
		await openS3(target, means).put('nar/a', bodyOfBytes(bytes), '', never);
		await means.client.close();
		url = target;
	});
	let url: ReturnType<typeof targetOf>;
	beforeEach(() => {
		store = openS3(url, { client, log: recordingLog() });
	});
	const read = async (range: { start: number; end: number } | null) => {
		const opened = await store.open('nar/a', range, never);
		if (opened === null || opened.totalBytes === null) return null;
		const parts: Buffer[] = [];
		for await (const part of opened.stream) parts.push(part);
		return {
			totalBytes: opened.totalBytes,
			range: opened.range,
			isRight: Buffer.concat(parts).equals(bytes.subarray(opened.range.start, opened.range.end + 1)),
		};
	};

	it.each([
		[null, { start: 0, end: 299_999 }],
		[
			{ start: 0, end: 0 },
			{ start: 0, end: 0 },
		],
		[
			{ start: 100_000, end: 200_000 },
			{ start: 100_000, end: 200_000 },
		],
		[
			{ start: 299_000, end: 1e15 },
			{ start: 299_000, end: 299_999 },
		],
	])('gives the range %j', async (asked, given) => {
		expect(await read(asked)).toEqual({ totalBytes: 300_000, range: given, isRight: true });
	});

	it('has nothing past its end', async () => {
		const opened = await store.open('nar/a', { start: 300_000, end: 400_000 }, never);
		expect(opened?.totalBytes).toBe(300_000);
		expect(await opened?.stream.toArray()).toEqual([]);
	});

	it('is null when it is not there', async () => {
		expect(await store.open('nar/none', null, never)).toBeNull();
		expect(await store.open('nar/none', { start: 5, end: 9 }, never)).toBeNull();
	});

	it('ends when it is cancelled', async () => {
		const stop = new AbortController();
		const opened = await store.open('nar/a', null, stop.signal);
		stop.abort();
		await expect(opened?.stream.toArray()).rejects.toThrow();
	});
});

describe('a bucket says what is wrong', () => {
	const put = (store: S3Store) => store.put('nar/a', bodyOfBytes(Buffer.from('x')), '', never);
	const bucketUrl = async (policy?: BucketPolicy) => (await server.makeBucket(policy)).url;
	const code = (as: string, hint: RegExp) => ({ code: as, hint: expect.stringMatching(hint) });

	it('the secret', async () => {
		const store = open(await bucketUrl(), { ...server.owner, secretAccessKey: 'not-this-one' });
		await expect(put(store)).rejects.toMatchObject(code('cache-unauthorized', /secret access key is wrong/));
		await expect(store.get('nix-cache-info', 100, never)).rejects.toMatchObject(code('cache-unauthorized', /secret/));
		await expect(store.size('nar/a', never)).rejects.toMatchObject(code('cache-unauthorized', /secret/));
		const error: unknown = await put(store).catch((thrown: unknown) => thrown);
		expect(`${error}`).toMatch(/SignatureDoesNotMatch/);
		expect(`${error}`).not.toContain('not-this-one');
	});

	it('the access key id', async () => {
		const store = open(await bucketUrl(), { ...server.owner, accessKeyId: 'AKIANOBODY' });
		await expect(put(store)).rejects.toMatchObject(code('cache-unauthorized', /does not know the access key id/));
	});

	it('the bucket', async () => {
		const store = open(`s3://no-such-bucket?endpoint=${server.endpoint}`);
		await expect(store.get('nix-cache-info', 100, never)).rejects.toMatchObject(
			code('cache-not-found', /no bucket `no-such-bucket`/),
		);
		await expect(put(store)).rejects.toMatchObject({ code: 'cache-not-found' });
		await expect(store.size('nar/a', never)).rejects.toMatchObject({ code: 'cache-not-found' });
	});

	it('a permission that is missing, for reading and for writing', async () => {
		const url = await bucketUrl();
		await put(open(url));
		await expect(open(url, server.guest).get('nar/a', 100, never)).rejects.toMatchObject(code('cache-forbidden', /s3:GetObject/));
		await expect(put(open(await bucketUrl({ guest: ['s3:GetObject'] }), server.guest))).rejects.toMatchObject(
			code('cache-forbidden', /s3:PutObject/),
		);
	});

	it('that nothing can be put, before anything is, and leaves nothing where it can', async () => {
		const { name, url } = await server.makeBucket({ guest: ['s3:GetObject', 's3:ListBucket'] });
		expect(await open(url, server.guest).whyNoPut(never)).toMatchObject({ code: 'cache-forbidden' });
		expect(await open(url, { ...server.owner, secretAccessKey: 'wrong' }).whyNoPut(never)).toMatchObject({
			code: 'cache-unauthorized',
		});
		expect(await open(url).whyNoPut(never)).toBeNull();
		const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: name }));
		expect(Contents).toEqual([]);
	});

	it('that there are no credentials', async () => {
		await expect(open(await bucketUrl(), null).get('nix-cache-info', 100, never)).rejects.toMatchObject(
			code('cache-unauthorized', /no AWS credentials.*`username` and `password`/),
		);
	});
});

it('what a server took that looks at no MD5 is removed again', async () => {
	const peer = await startServer((request, response) => void request.resume().on('end', () => response.writeHead(200).end()));
	expect(await open(`s3://bucket?endpoint=${peer.url.origin}`).whyNoPut(never)).toBeNull();
	expect(peer.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
		'PUT /bucket/nix-cache-action-may-write',
		'DELETE /bucket/nix-cache-action-may-write',
	]);
	await peer.close();
});

it('a clock that is off by an hour costs one request', async () => {
	const { url } = await server.makeBucket();
	const store = open(url);
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
	try {
		await store.put('a', bodyOfBytes(Buffer.from('x')), '', never);
		expect(String(Buffer.from((await store.get('a', 10, never)) ?? ''))).toBe('x');
	} finally {
		vi.useRealTimers();
	}
});

it('parts that a server took and then misses go up once more, one after another', async () => {
	let uploads = 0;
	let atOnce = 0;
	const mostAtOnce: number[] = [];
	const peer = await startServer(async (request, response) => {
		const { searchParams } = new URL(request.url ?? '', 'http://host');
		const xml = (status: number, text: string) =>
			void response.writeHead(status, { 'content-type': 'application/xml' }).end(text);
		if (request.method === 'PUT') {
			mostAtOnce[uploads] = Math.max(mostAtOnce[uploads] ?? 0, ++atOnce);
			for await (const _ of request);
			atOnce--;
			return void response.writeHead(200, { etag: '"tag"', 'content-length': 0 }).end();
		}
		request.resume();
		if (request.method === 'DELETE') return void response.writeHead(204).end();
		if (searchParams.has('uploads')) {
			uploads++;
			return xml(200, '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>');
		}
		if (uploads === 1) return xml(400, '<Error><Code>InvalidPart</Code><Message>gone</Message></Error>');
		return xml(200, '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>');
	});
	await open(`s3://bucket?endpoint=${peer.url.origin}`).put('nar/a', bodyOfZeros(100 * 2 ** 20), 'application/x-nix-nar', never);
	expect(uploads).toBe(2);
	expect(mostAtOnce[1]).toBeGreaterThan(1);
	expect(mostAtOnce[2]).toBe(1);
	await peer.close();
});
