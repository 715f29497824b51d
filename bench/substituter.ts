/**
 * What answering a narinfo costs: CPU of the whole process that serves, clients in another process, and how fast NARs go through.
 *
 *     node bench/substituter.ts [--requests 20000] [--connections 25] [--signed]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import type { PathReader } from '../src/backends/path-reader.ts';
import { encodeBase32 } from '../src/nix/base32.ts';
import type { NarInfo } from '../src/nix/narinfo.ts';
import { fingerprint, generateKey, sign } from '../src/nix/signature.ts';
import { startSubstituter } from '../src/substituter/server.ts';

const { values } = parseArgs({
	options: {
		requests: { type: 'string', default: '20000' },
		connections: { type: 'string', default: '25' },
		signed: { type: 'boolean', default: false },
		client: { type: 'string' },
	},
});
const requests = Number(values.requests);
const NAR_BYTES = 512 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'nar');

/** The hash part of the path with this number. */
function hashPart(number: number): string {
	const digest = Buffer.alloc(20);
	digest.writeUInt32BE(number, 0);
	return encodeBase32(digest);
}

/** Every path is there, as an index in memory would have it. */
function endlessReader(): PathReader {
	const narHash = { algorithm: 'sha256', digest: new Uint8Array(32) } as const;
	return {
		label: 'bench',
		async narInfo(part): Promise<NarInfo> {
			return {
				storePath: `/nix/store/${part}-some-package-1.2.3`,
				url: `nar/${part}.nar.zst`,
				compression: 'zstd',
				fileHash: null,
				fileSizeBytes: NAR_BYTES,
				narHash,
				narSizeBytes: NAR_BYTES,
				references: Array.from({ length: 8 }, (_, index) => `/nix/store/${hashPart(index)}-some-dependency-${index}`),
				deriver: null,
				signatures: [],
				ca: null,
			};
		},
		async openNar() {
			let left = NAR_BYTES;
			const stream = new Readable({
				read() {
					this.push(left > 0 ? CHUNK : null);
					left -= CHUNK.length;
				},
			});
			return { totalBytes: NAR_BYTES, range: { start: 0, end: NAR_BYTES - 1 }, stream };
		},
		close: async () => undefined,
	};
}

async function serve(): Promise<void> {
	const key = generateKey('bench-1');
	const signed = (info: NarInfo): NarInfo => ({
		...info,
		signatures: [sign(fingerprint({ ...info, path: info.storePath }), key)],
	});
	const quiet = () => undefined;
	const log = {
		debug: quiet,
		info: quiet,
		notice: quiet,
		warning: quiet,
		error: quiet,
		mask: quiet,
		group: <T>(_: string, body: () => Promise<T>) => body(),
	};
	const substituter = await startSubstituter({
		mounts: [{ name: '', reader: endlessReader(), priority: 35, ...(values.signed ? { sign: signed } : {}) }],
		storeDir: '/nix/store',
		log,
	});
	const { url, credentials } = substituter;
	const client = fork(import.meta.filename, [...process.argv.slice(2), '--client', JSON.stringify({ url, credentials })]);
	let began = process.cpuUsage();
	client.on('message', (message) => {
		const { user, system } = process.cpuUsage(began);
		const { what, count, ms } = JSON.parse(String(message));
		const cpuMs = (user + system) / 1000;
		if (what === 'narinfos')
			console.log(`${count} narinfos: ${(cpuMs / count).toFixed(3)} ms of CPU each, ${Math.round((count / ms) * 1000)} a second`);
		if (what === 'nar')
			console.log(
				`NAR: ${Math.round(count / 1e6 / (ms / 1000))} MB/s, ${((cpuMs / count) * 1e6 * 1000).toFixed(0)} ms of CPU for 1 GB`,
			);
		began = process.cpuUsage();
	});
	await once(client, 'exit');
	await substituter.close(0);
}

/** Clients as Nix is one: some connections, each asking for one thing after the other. */
async function ask(address: string): Promise<void> {
	const { url, credentials } = JSON.parse(address);
	const { origin, pathname } = new URL(url);
	const authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
	const pool = new Pool(origin, { connections: Number(values.connections), pipelining: 1 });
	const get = async (name: string) => pool.request({ method: 'GET', path: `${pathname}/${name}`, headers: { authorization } });
	let next = 0;
	const loop = async (until: number): Promise<void> => {
		while (next < until) await (await get(`${hashPart(next++)}.narinfo`)).body.dump({ limit: 1e6 });
	};
	const report = (what: string, count: number, ms: number) => process.send?.(JSON.stringify({ what, count, ms }));
	const run = async (what: string, count: number): Promise<void> => {
		const started = performance.now();
		const until = next + count;
		await Promise.all(Array.from({ length: Number(values.connections) }, () => loop(until)));
		report(what, count, performance.now() - started);
	};
	await run('warm-up', 2_000);
	await run('narinfos', requests);
	const text = await (await get(`${hashPart(1)}.narinfo`)).body.text();
	const started = performance.now();
	const { body } = await get(/^URL: (.*)$/m.exec(text)?.[1] ?? '');
	let bytes = 0;
	for await (const chunk of body) bytes += chunk.length;
	report('nar', bytes, performance.now() - started);
	await pool.close();
	process.disconnect?.();
}

if (values.client === undefined) await serve();
else await ask(values.client);
