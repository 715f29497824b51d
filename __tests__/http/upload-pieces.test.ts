import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyOfFile } from '../../src/bodies/in-file.ts';
import { startConnectProxy } from './peers/connect-proxy.ts';
import { never, testClient } from './peers/means.ts';
import { createPrivateCa, type PrivateCa } from './peers/private-ca.ts';
import { type Peer, startServer } from './peers/server.ts';

const bytes = randomBytes(24 * 1024 * 1024 + 17);
const sha256 = createHash('sha256').update(bytes).digest('hex');
let folder: string;
let ca: PrivateCa;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'upload-pieces-'));
	ca = createPrivateCa();
});
afterAll(async () => {
	ca?.remove();
	await rm(folder, { recursive: true });
});

/** Reads as a slow server does: by fits and starts, so that what was sent waits in every buffer on the way. */
async function slowDigest(request: IncomingMessage): Promise<string> {
	const hash = createHash('sha256');
	let sinceMs = performance.now();
	for await (const part of request) {
		hash.update(part);
		if (performance.now() - sinceMs < 20) continue;
		await sleep(20);
		sinceMs = performance.now();
	}
	return hash.digest('hex');
}

type Pieces = AsyncIterable<Uint8Array>;

async function upload(
	peer: Peer,
	env: Readonly<Record<string, string>>,
	passOn: (pieces: Pieces) => Pieces = (pieces) => pieces,
): Promise<string> {
	await using file = await open(join(folder, 'body'), 'w+');
	await file.write(bytes);
	const inFile = bodyOfFile(file, bytes.length);
	const body = { ...inFile, stream: () => passOn(inFile.stream()) };
	await using client = testClient({ env });
	const answer = await client.request({ method: 'PUT', url: peer.url, body, accept: [201], limitBytes: 100, signal: never });
	return Buffer.from(answer.bytes).toString();
}

describe('a body whose pieces are overwritten while it is sent arrives as it was', () => {
	it.each([false, true])('at a slow server, TLS: %s', async (tls) => {
		const peer = await startServer(
			async (request, response) => void response.writeHead(201).end(await slowDigest(request)),
			tls ? ca.issue('IP:127.0.0.1') : undefined,
		);
		expect(await upload(peer, tls ? { SSL_CERT_FILE: ca.file } : {})).toBe(sha256);
		await peer.close();
	});

	// The client alone asks for a piece when the one before is on the line, so that one buffer would do.
	it('through a stream of Node, which holds the next piece while one is sent', async () => {
		const peer = await startServer(async (request, response) => void response.writeHead(201).end(await slowDigest(request)));
		expect(await upload(peer, {}, (pieces) => Readable.from(pieces, { objectMode: false }))).toBe(sha256);
		await peer.close();
	});

	it('through a proxy’s tunnel', async () => {
		const peer = await startServer(
			async (request, response) => void response.writeHead(201).end(await slowDigest(request)),
			ca.issue('IP:127.0.0.1'),
		);
		const proxy = await startConnectProxy();
		expect(await upload(peer, { SSL_CERT_FILE: ca.file, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` })).toBe(sha256);
		await peer.close();
		await proxy.close();
	});

	it('again after a try that broke off in the middle', async () => {
		let tries = 0;
		const peer = await startServer(async (request, response) => {
			if (++tries > 1) return void response.writeHead(201).end(await slowDigest(request));
			for await (const _ of request) return void request.socket.destroy();
		});
		expect(await upload(peer, {})).toBe(sha256);
		expect(tries).toBe(2);
		await peer.close();
	});
});
