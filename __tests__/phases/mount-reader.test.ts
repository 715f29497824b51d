import { afterEach, describe, expect, it } from 'vitest';
import { formatNarInfo } from '../../src/nix/narinfo.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import { openMountReader } from '../../src/phases/mount-reader.ts';
import { createHandler } from '../../src/substituter/handler.ts';
import { createCounters } from '../../src/substituter/statistics.ts';
import { pathOf, STORE_DIR } from '../backends/peers/paths.ts';
import { never, recordingLog } from '../http/peers/means.ts';
import { type Peer, startServer } from '../http/peers/server.ts';

const { info } = pathOf('served');
const stored = { url: 'nar/x.nar.zst', compression: 'zstd', fileHash: null, fileSizeBytes: null };
const text = formatNarInfo({ ...info, storePath: info.path, ...stored });

let peer: Peer;
afterEach(() => peer.close());

describe('a cache behind the local substituter', () => {
	it('that answers 403 to what it does not have, as buckets do that nobody may list, keeps what it has', async () => {
		const there = hashPartOf(info.path);
		peer = await startServer((request, response) => {
			const found = request.url === `/${there}.narinfo`;
			response.writeHead(found ? 200 : 403).end(found ? text : '<Error><Code>AccessDenied</Code></Error>');
		});
		const source = { kind: 'cache', line: peer.url.href, credentials: { kind: 'bearer', token: 'job' }, proxy: null } as const;
		const reader = await openMountReader({ env: {}, log: recordingLog() }, STORE_DIR, [], source);
		const counters = createCounters();
		const credentials = { username: 'me', password: 'secret' };
		const handler = createHandler({
			reader,
			prefix: 'p',
			credentials,
			storeDir: STORE_DIR,
			priority: 41,
			counters: counters.of(''),
			log: recordingLog(),
			signal: never,
		});
		const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
		const ask = async (hashPart: string) =>
			(await handler({ method: 'GET', path: `/p/${hashPart}.narinfo`, headers: { authorization } }, never)).status;
		for (const digit of '12345678') expect(await ask(digit.repeat(32))).toBe(404);
		expect(await ask(there)).toBe(200);
		expect(counters.snapshot().errors).toEqual({});
		await reader.close();
	});
});
