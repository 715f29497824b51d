/**
 * The blobs of the tests' cache service: Azurite, Microsoft's emulator of Azure's blob storage, as a child process that keeps everything in memory
 * and ends with this process however that ends.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
	BlobSASPermissions,
	ContainerClient as Container,
	type ContainerClient,
	generateBlobSASQueryParameters,
	StorageSharedKeyCredential,
} from '@azure/storage-blob';

export interface Azurite {
	/** Where it listens: `http://127.0.0.1:<port>`. */
	readonly origin: string;
	/** The container of the cache, with the account's key. */
	readonly container: ContainerClient;
	/**
	 * A URL's path and query for one blob, signed as the cache service signs its URLs: `r` to download, `cw` to upload. Times have a
	 * resolution of one second, as on Azure; the end is rounded up.
	 */
	sign(blob: string, permissions: 'r' | 'cw', lifetimeMs: number): string;
	stop(): Promise<void>;
}

/** The account that every Azurite has (learn.microsoft.com, "Use the Azurite emulator"); the key is public. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const CONTAINER = 'actions-cache';
const START_LIMIT_MS = 30_000;
/** Download URLs are valid from 5 s ago, seen in logs of the real service. */
const BACKDATED_MS = 5_000;

/** Ends Azurite when its standard input ends, which it does with the process that holds the other end. */
const BOOTSTRAP = `process.stdin.resume().once('end', () => process.exit()); require(process.argv[1]);`;

export async function startAzurite(): Promise<Azurite> {
	const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
	const program = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
	const flags = ['--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent'];
	const child = spawn(process.execPath, ['-e', BOOTSTRAP, program, ...flags, '--blobHost', '127.0.0.1', '--blobPort', '0'], {
		cwd: folder,
		env: { PATH: process.env.PATH },
		stdio: ['pipe', 'pipe', 'pipe'],
	});
	const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
	const stop = async () => {
		child.kill('SIGKILL');
		await ended;
		await rm(folder, { recursive: true, force: true });
	};
	let output = '';
	const origin = await new Promise<string>((resolve, reject) => {
		const fail = (why: string) => reject(new Error(`Azurite ${why}:\n${output}`));
		const timer = setTimeout(() => fail(`did not start within ${START_LIMIT_MS} ms`), START_LIMIT_MS);
		const listen = (chunk: Buffer) => {
			output += chunk.toString();
			const found = /successfully listens on (http:\/\/\S+)/.exec(output)?.[1];
			if (found === undefined) return;
			clearTimeout(timer);
			resolve(found);
		};
		child.stdout.on('data', listen);
		child.stderr.on('data', listen);
		child.once('close', (code) => {
			clearTimeout(timer);
			fail(`ended with status ${code}`);
		});
	}).catch(async (error: unknown) => {
		await stop();
		throw error;
	});

	const credential = new StorageSharedKeyCredential(ACCOUNT, KEY);
	const container = new Container(`${origin}/${ACCOUNT}/${CONTAINER}`, credential);
	await container.create();
	return {
		origin,
		container,
		sign(blob, permissions, lifetimeMs) {
			const nowMs = Date.now();
			const query = generateBlobSASQueryParameters(
				{
					containerName: CONTAINER,
					blobName: blob,
					permissions: BlobSASPermissions.parse(permissions),
					startsOn: new Date(nowMs - BACKDATED_MS),
					expiresOn: new Date(Math.ceil((nowMs + lifetimeMs) / 1000) * 1000),
				},
				credential,
			);
			return `/${ACCOUNT}/${CONTAINER}/${blob}?${query.toString()}`;
		},
		stop,
	};
}
