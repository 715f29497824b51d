import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNixCopy } from '../../../src/backends/nix-copy/nix-copy.ts';
import type { OtherStore } from '../../../src/backends/nix-copy/other-store.ts';
import { parseCacheTarget } from '../../../src/cache-target/target.ts';
import { CacheError } from '../../../src/errors.ts';
import { parseHash } from '../../../src/nix/hash.ts';
import type { PathInfo } from '../../../src/nix/path-info.ts';
import { generateKey, publicKeyOf, type SecretKey } from '../../../src/nix/signature.ts';
import { throwIfAborted } from '../../../src/waiting/cancel.ts';
import { never, recordingLog } from '../../http/peers/means.ts';
import { backendContract } from '../backend-contract.ts';
import { pathOf, STORE_DIR, sourceOf } from '../peers/paths.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-copy-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const key = generateKey('test-1');

/** A store that does what Nix does: one path after the other, none without its references, and the end at the first that fails. */
function memoryStore(
	local: readonly PathInfo[],
	failures: { damaged?: readonly string[]; substituters?: boolean; full?: boolean } = {},
) {
	const infos = new Map(local.map((info) => [info.path, info]));
	const there = new Map<string, PathInfo>();
	const copies: { readonly paths: readonly string[]; readonly substitute: boolean }[] = [];
	const signatures: string[] = [];
	const log = recordingLog();
	const store: OtherStore = {
		connect: () => undefined,
		close: async () => undefined,
		async ping(signal) {
			throwIfAborted(signal, 'ping');
			return true;
		},
		async missing(paths, signal) {
			throwIfAborted(signal, 'missing');
			return new Set(paths.filter((path) => !there.has(path)));
		},
		infos: async (paths) => new Map(paths.map((path) => [path, there.get(path) ?? null])),
		async copy(paths, { substitute }, signal) {
			throwIfAborted(signal, 'copy');
			copies.push({ paths, substitute });
			if (substitute && failures.substituters === true) throw new CacheError('cache-failing', 'No substituter answers.');
			for (const path of paths) {
				const info = infos.get(path);
				if (failures.full === true) throw new CacheError('cache-failing', 'No space left on device.');
				if (info === undefined || failures.damaged?.includes(path)) throw new CacheError('path-corrupt', `${path} is damaged.`);
				const hole = info.references.find((reference) => reference !== path && !there.has(reference));
				if (hole !== undefined) throw new CacheError('cache-failing', `path '${hole}' is not valid`);
				there.set(path, info);
			}
		},
		async takeSignatures(from, paths) {
			const file = from.slice('file://'.length);
			for (const name of readdirSync(file))
				signatures.push(...(readFileSync(join(file, name), 'utf8').match(/^Sig: .*$/gm) ?? []));
			expect(readdirSync(file).length).toBe(paths.length + 1);
		},
	};
	const target = parseCacheTarget('ssh-ng://ci@host', null, null);
	if (!('kind' in target) || target.kind !== 'nix-copy') throw new Error('a store behind SSH');
	/** A path of this machine from now on. */
	const hold = (info: PathInfo): void => void infos.set(info.path, info);
	const open = (substitutesByDaemon = false, signingKey: SecretKey | null = key) =>
		createNixCopy({
			target,
			nix: { open: () => store, substitutesByDaemon, wasAsked: false, privateFolder: folder },
			storeDir: STORE_DIR,
			signingKey,
			publicKeys: signingKey === null ? [] : [publicKeyOf(signingKey)],
			log,
		});
	return { hold, store, there, copies, signatures, log, open };
}

async function push(backend: ReturnType<typeof createNixCopy>, paths: readonly PathInfo[]): Promise<ReadonlyMap<string, string>> {
	for (const info of paths) await (await backend.prepare(info, sourceOf(pathOf('any')), never))(never);
	return backend.finish(never);
}

const plain = (name: string, references: readonly PathInfo[] = [], more: Partial<PathInfo> = {}): PathInfo => ({
	...pathOf(name).info,
	references: references.map(({ path }) => path),
	signatures: [],
	ultimate: true,
	...more,
});
const base = plain('base');
const lib = plain('lib', [base]);
const app = plain('app', [lib]);
const other = plain('other');

backendContract(
	'a store that Nix copies to',
	async () => {
		const { hold, open } = memoryStore([]);
		return {
			async job() {
				const backend = open(false, null);
				return {
					...backend,
					prepare(info, nar, signal) {
						// Nix reads it from the local store by itself.
						hold(info);
						return backend.prepare(info, nar, signal);
					},
				};
			},
			dispose: async () => undefined,
		};
	},
	{ takesTogether: true },
);

describe('a store that Nix copies to', () => {
	it('gets all paths in one copy, signed, and nothing is left on disk', async () => {
		const { copies, signatures, open } = memoryStore([base, lib, app]);
		expect(await push(open(), [base, lib, app])).toEqual(new Map());
		expect(copies).toEqual([{ paths: [base.path, lib.path, app.path], substitute: false }]);
		expect(signatures.length).toBe(3);
		expect(signatures.every((line) => line.startsWith('Sig: test-1:'))).toBe(true);
		expect(readdirSync(folder)).toEqual([]);
	});

	it('is not asked for anything when nothing was pushed', async () => {
		const { copies, open } = memoryStore([]);
		expect(await open().finish(never)).toEqual(new Map());
		expect(copies).toEqual([]);
	});

	it('gets the rest when some paths are damaged, without what refers to them', async () => {
		const damaged = plain('damaged');
		const { there, open } = memoryStore([base, lib, app, other, damaged], { damaged: [lib.path, damaged.path] });
		const lost = await push(open(), [base, lib, app, damaged, other]);
		expect([...there.keys()]).toEqual([base.path, other.path]);
		expect(lost).toEqual(
			new Map([
				[lib.path, `${lib.path} is damaged.`],
				[app.path, `it needs ${lib.path}, which can't be copied.`],
				[damaged.path, `${damaged.path} is damaged.`],
			]),
		);
	});

	it('is given up after some damaged paths, and the rest is told to be missing', async () => {
		const damaged = Array.from({ length: 20 }, (_, index) => plain(`damaged-${index}`));
		const { copies, open } = memoryStore([base, ...damaged], { damaged: damaged.map(({ path }) => path) });
		const lost = await push(open(), [base, ...damaged]);
		expect(lost.size).toBe(20);
		expect(copies.length).toBe(6);
	});

	it('fails as a whole when nothing arrives', async () => {
		const { open } = memoryStore([base, lib], { full: true });
		await expect(push(open(), [base, lib])).rejects.toMatchObject({ code: 'cache-failing' });
		expect(readdirSync(folder)).toEqual([]);
	});

	it('may fetch what a cache signed from its own substituters, and gets it from here when those fail', async () => {
		const signed = plain('signed', [], { ultimate: false, signatures: ['cache.nixos.org-1:AAAA'] });
		const { copies, there, open } = memoryStore([signed, other], { substituters: true });
		expect(await push(open(), [signed, other])).toEqual(new Map());
		expect(copies.map(({ substitute }) => substitute)).toEqual([true, false]);
		expect(there.size).toBe(2);
	});

	it('tells apart what was built here and came out differently there', async () => {
		const { store, there, open } = memoryStore([base, lib, other]);
		const changed = { ...base, narHash: parseHash(`sha256:${'0'.repeat(64)}`) };
		there.set(base.path, changed);
		there.set(lib.path, lib);
		const found = await open().presence([base, lib, other], never);
		expect([base, lib, other].map(({ path }) => found.get(path)?.state)).toEqual(['differs', 'present', 'missing']);
		expect((await store.missing([base.path], never)).size).toBe(0);
	});

	it('finds on reading back what is not there, not signed, or another path', async () => {
		const { there, open } = memoryStore([base, lib]);
		const backend = open();
		there.set(base.path, base);
		expect(await backend.readBack(base, never)).toEqual({ ok: false, problem: expect.stringContaining('no signature') });
		expect(await backend.readBack(lib, never)).toEqual({ ok: false, problem: 'it is not valid there' });
	});

	it('is not read by a daemon that has no key for it', async () => {
		const { log, open } = memoryStore([]);
		expect(await open(true).check(true, never)).toMatchObject({ readable: false, note: null });
		expect(log.lines).toEqual([expect.stringMatching(/^notice: .*daemon would connect as root.*ssh-key=/)]);
		expect(await memoryStore([]).open(false).check(true, never)).toMatchObject({ readable: true, note: null });
	});
});
