import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CacheError, describeError, systemCode } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { CacheService } from './cache-service.ts';
import { decodeIndex } from './format/index-reader.ts';
import { mergeIndexes } from './format/merge.ts';
import type { StoreIndex } from './format/model.ts';
import { type IndexChain, type ReadIndex, readChain } from './index-chain.ts';
import type { Refs } from './refs.ts';

/** What a job knows of the store in the Actions cache: read once at its start, and handed on to its other processes as files. */
export interface KnownIndexes {
	readonly refs: Refs;
	/** By which they were read, and their packs are found. */
	readonly transport: CacheService['transport'];
	readonly own: IndexChain;
	readonly others: readonly IndexChain[];
	/** All of them as one. */
	readonly index: StoreIndex;
}

export interface KnownIndexesOptions {
	readonly service: CacheService;
	readonly refs: Refs;
	readonly storeDir: string;
	/** Seconds since 1970. */
	readonly nowS: number;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** Asks the service for the indexes that this job can read: two requests for each ref at most, unless jobs ended at the same time. */
export async function readIndexes({ refs, ...options }: KnownIndexesOptions): Promise<KnownIndexes> {
	const [own, ...others] = await Promise.all([refs.own, ...refs.others].map((ref) => readChain(ref, options)));
	if (own === undefined) throw new CacheError('internal', 'A job has a ref of its own.');
	return known({ refs, own, others, transport: options.service.transport }, options.storeDir, new Set());
}

const MANIFEST = 'indexes.json';

/** The manifest: what `KnownIndexes` is but for the indexes themselves, which are files beside it. */
interface Manifest {
	readonly version: 1;
	readonly storeDir: string;
	readonly refs: Refs;
	readonly transport: CacheService['transport'];
	readonly chains: readonly (Omit<IndexChain, 'indexes'> & { readonly files: readonly string[] })[];
}

/** Writes what was read to files of `folder` (made with mode 0700 when it is not there). Throws `file-failed` or `disk-full`. */
export async function saveIndexes(
	{ refs, transport, own, others }: KnownIndexes,
	storeDir: string,
	folder: string,
): Promise<void> {
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const chains = await Promise.all(
			[own, ...others].map(async ({ indexes, ...chain }) => ({
				...chain,
				files: await Promise.all(indexes.map((index) => saveIndex(index, folder))),
			})),
		);
		const manifest: Manifest = { version: 1, storeDir, refs, transport, chains };
		await writeFile(join(folder, `${MANIFEST}.new`), JSON.stringify(manifest), { mode: 0o600 });
		await rename(join(folder, `${MANIFEST}.new`), join(folder, MANIFEST));
	} catch (cause) {
		const code = systemCode(cause);
		throw new CacheError(
			code === 'ENOSPC' ? 'disk-full' : 'file-failed',
			`The indexes can't be kept in ${folder} (${code ?? cause}).`,
			{
				cause,
			},
		);
	}
}

async function saveIndex({ bytes, slot }: ReadIndex, folder: string): Promise<string> {
	const file = `${randomBytes(6).toString('hex')}-${slot}.index`;
	await writeFile(join(folder, file), bytes, { mode: 0o600 });
	return file;
}

/** By which another process of this job read what it saved. Throws `state-invalid`. */
export async function transportOf(folder: string, log: Log): Promise<CacheService['transport']> {
	return (await readingBack(folder, log, readManifest)).transport;
}

/**
 * Reads back what another process of this job saved. `gonePacks` may grow: what lies in them is not there from then on, or found in an older index.
 * Throws `state-invalid`.
 */
export async function loadIndexes(folder: string, log: Log, gonePacks: ReadonlySet<string>): Promise<KnownIndexes> {
	return readingBack(folder, log, async () => {
		const manifest = await readManifest(folder);
		const [own, ...others] = await Promise.all(
			manifest.chains.map(async ({ files, ...chain }) => ({
				...chain,
				indexes: await Promise.all(files.map((file) => loadIndex(join(folder, file), manifest.storeDir))),
			})),
		);
		if (own === undefined) throw new Error('it has no chain');
		return known({ ...manifest, own, others }, manifest.storeDir, gonePacks);
	});
}

async function readManifest(folder: string): Promise<Manifest> {
	return JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'));
}

async function readingBack<T>(folder: string, log: Log, read: (folder: string) => Promise<T>): Promise<T> {
	try {
		return await read(folder);
	} catch (cause) {
		log.debug(describeError(cause));
		throw new CacheError('state-invalid', `The indexes that main kept in ${folder} can't be read.`, { cause });
	}
}

async function loadIndex(file: string, storeDir: string): Promise<ReadIndex> {
	const bytes = await readFile(file);
	const { header, index } = decodeIndex(bytes, { storeDir });
	return { slot: header.slot, bytes, header, index };
}

function known(
	{ refs, transport, own, others }: Omit<KnownIndexes, 'index'>,
	storeDir: string,
	gonePacks: ReadonlySet<string>,
): KnownIndexes {
	const indexes = [own, ...others].flatMap((chain) => chain.indexes.map(({ index }) => index));
	return { refs, transport, own, others, index: mergeIndexes(indexes, { storeDir, gonePacks }) };
}
