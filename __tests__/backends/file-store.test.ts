import { spawn } from 'node:child_process';
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFileStore } from '../../src/backends/file-store.ts';
import { openBackend } from '../../src/backends/open.ts';
import { bodyOfBytes } from '../../src/bodies/in-memory.ts';
import { parseCacheTarget } from '../../src/cache-target/target.ts';
import { generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { never, recordingLog, testClient } from '../http/peers/means.ts';
import { backendContract } from './backend-contract.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { STORE_DIR } from './peers/paths.ts';

let root: string;
let number = 0;
beforeAll(() => {
	root = mkdtempSync(join(tmpdir(), 'file-store-'));
});
afterAll(() => rmSync(root, { recursive: true }));
const fresh = (): string => join(root, `${++number}`);

objectStoreContract('a folder', async () => ({ store: openFileStore(fresh()), dispose: async () => undefined }));

const key = generateKey('test-1');
backendContract('a binary cache in a folder', async () => {
	const folder = fresh();
	const client = testClient();
	return {
		job: async () =>
			openBackend(
				{ kind: 'file', place: `file://${folder}`, folder, substituter: `file://${folder}` },
				{
					client,
					log: recordingLog(),
					storeDir: STORE_DIR,
					signingKey: key,
					publicKeys: [publicKeyOf(key)],
					netrc: [],
					lookups: 8,
					sharesKey: false,
					env: {},
				},
			),
		dispose: () => client.close(),
	};
});

describe('a folder', () => {
	const store = () => {
		const folder = fresh();
		return { folder, store: openFileStore(folder) };
	};

	it('has nothing but whole objects in it, whoever writes them at the same time', async () => {
		const { folder } = store();
		const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(3_000_000));
		await Promise.all(texts.map((text) => openFileStore(folder).put('nar/one', bodyOfBytes(Buffer.from(text)), '', never)));
		expect(texts).toContain(readFileSync(join(folder, 'nar/one'), 'utf8'));
		expect(readdirSync(join(folder, 'nar'))).toEqual(['one']);
	});

	it('shows nothing of an object whose writer was killed in the middle, and is swept of it a day later', async () => {
		const { folder } = store();
		const program = `
			import { Readable } from 'node:stream';
			import { openFileStore } from ${JSON.stringify(join(import.meta.dirname, '../../src/backends/file-store.ts'))};
			const endless = async function* () { for (;;) { yield Buffer.alloc(65536); await new Promise((resolve) => setTimeout(resolve, 5)); } };
			const body = { sizeBytes: 1e9, bytes: null, stream: () => Readable.from(endless(), { objectMode: false }) };
			await openFileStore(${JSON.stringify(folder)}).put('nar/one', body, '', new AbortController().signal);`;
		const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], { stdio: 'inherit' });
		const left = (): readonly string[] => (existsSync(join(folder, 'nar')) ? readdirSync(join(folder, 'nar')) : []);
		while (left().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
		child.kill('SIGKILL');
		await new Promise((resolve) => child.once('close', resolve));
		const [temporary = ''] = left();
		expect(temporary).toMatch(/^\.nix-cache-action-/);
		expect(await openFileStore(folder).size('nar/one', never)).toBeNull();
		await openFileStore(folder).put('nar/two', bodyOfBytes(Buffer.from('2')), '', never);
		expect(left()).toContain(temporary);
		const old = Date.now() / 1000 - 2 * 86_400;
		utimesSync(join(folder, 'nar', temporary), old, old);
		await openFileStore(folder).put('nar/three', bodyOfBytes(Buffer.from('3')), '', never);
		expect(left().toSorted()).toEqual(['three', 'two']);
	});

	it('takes the file of a body that can be moved in place of a copy', async () => {
		const { folder, store: one } = store();
		const made = join(root, `made-${++number}`);
		writeFileSync(made, 'the bytes');
		const { ino } = statSync(made);
		const moveTo = async (file: string) => renameSync(made, file);
		const body = { ...bodyOfBytes(Buffer.from('the bytes')), bytes: null, moveTo };
		await one.put('nar/one', body, '', never);
		expect(readFileSync(join(folder, 'nar', 'one'), 'utf8')).toBe('the bytes');
		expect(statSync(join(folder, 'nar', 'one')).ino).toBe(ino);
		await expect(one.put('nar/two', body, '', never)).rejects.toMatchObject({ code: 'cache-failing' });
		const full = { ...body, moveTo: () => Promise.reject(Object.assign(new Error('quota'), { code: 'EDQUOT' })) };
		await expect(one.put('nar/two', full, '', never)).rejects.toMatchObject({
			code: 'cache-failing',
			hint: 'There is no space left in that folder.',
		});
		expect(readdirSync(join(folder, 'nar'))).toEqual(['one']);
	});

	it('leaves nothing of an upload that is stopped', async () => {
		const { folder, store: one } = store();
		const stop = new AbortController();
		const slow = async function* () {
			yield Buffer.alloc(1000);
			stop.abort();
			await new Promise((resolve) => setTimeout(resolve, 20));
			yield Buffer.alloc(1000);
		};
		const body = { ...bodyOfBytes(Buffer.alloc(2000)), bytes: null, stream: () => Readable.from(slow(), { objectMode: false }) };
		await expect(one.put('nar/one', body, '', stop.signal)).rejects.toMatchObject({ code: 'cancelled' });
		expect(readdirSync(join(folder, 'nar'))).toEqual([]);
	});

	it.runIf(process.platform === 'linux')(
		'gives up where no folder can be made for a reason that the file system does not tell',
		async () => {
			const put = openFileStore('/proc/nix-cache').put('a', bodyOfBytes(Buffer.from('x')), '', never);
			await expect(put).rejects.toMatchObject({ code: process.getuid?.() === 0 ? 'cache-failing' : 'cache-forbidden' });
		},
	);

	it('says what is wrong with it, and what to do', async () => {
		const file = fresh();
		writeFileSync(file, '');
		await expect(openFileStore(file).put('a', bodyOfBytes(Buffer.from('x')), '', never)).rejects.toMatchObject({
			code: 'cache-invalid',
			hint: 'Is that a folder?',
		});
		if (process.getuid?.() === 0) return;
		const folder = fresh();
		mkdirSync(folder);
		chmodSync(folder, 0o500);
		await expect(openFileStore(folder).put('a', bodyOfBytes(Buffer.from('x')), '', never)).rejects.toMatchObject({
			code: 'cache-forbidden',
		});
	});

	it('is never left by a key', async () => {
		for (const bad of ['../out', 'nar/../../out', '/etc/passwd', 'a//b', '.hidden/..'])
			await expect(store().store.get(bad, 10, never)).rejects.toMatchObject({ code: 'internal' });
	});
});

describe('the URL of a folder', () => {
	it.each([
		['file:///srv/cache', { kind: 'file', folder: '/srv/cache', substituter: 'file:///srv/cache' }],
		['file:///srv/cache/?priority=10', { kind: 'file', folder: '/srv/cache', substituter: 'file:///srv/cache?priority=10' }],
	])('%s is understood', (line, target) => {
		expect(parseCacheTarget(line, null, null)).toMatchObject(target);
	});

	it.each(['file://srv/cache', 'file:///', 'file:///a/../b', 'file:srv', 'file:///a%20b'])('%s is not one', (line) => {
		expect(parseCacheTarget(line, null, null)).toEqual({ problem: expect.stringContaining('file:///folder') });
	});
});
