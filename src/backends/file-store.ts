import { randomBytes } from 'node:crypto';
import { constants, createWriteStream } from 'node:fs';
import { access, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolders } from '../bodies/make-folders.ts';
import { CacheError, systemCode } from '../errors.ts';
import { throwIfAborted } from '../waiting/cancel.ts';
import type { ObjectStore } from './object-store.ts';

/** Nobody takes longer to write one object. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Where the NARs of a cache in `folder` lie. */
export function narFolderOf(folder: string): string {
	return join(folder, 'nar');
}

const TEMPORARY = /^\.nix-cache-action-[0-9a-f]{16}$/;

/** A writer's own name beside the object, until it is whole. Nix and this store look at no name with a dot in front. */
export function temporaryName(): string {
	return `.nix-cache-action-${randomBytes(8).toString('hex')}`;
}

/**
 * A folder as Nix's `file://` store, also on a mounted share. An object is written under a name of the writer's own and then renamed, so a reader sees all of it
 * or nothing, and of several writers of one object the last wins. What killed writers left behind is swept by later ones after a day.
 */
export function openFileStore(folder: string): ObjectStore {
	const label = `file://${folder}`;
	const fileOf = (key: string): string => {
		if (!/^[\w+.=?-]+(?:\/[\w+.=?-]+)*$/.test(key) || key.split('/').some((part) => part === '..' || part === '.')) {
			throw new CacheError('internal', `\`${key}\` is no key of a binary cache.`);
		}
		return join(folder, key);
	};
	const made = new Map<string, Promise<void>>();
	/** Once for each folder of a run. */
	const make = (directory: string): Promise<void> => {
		const known = made.get(directory) ?? makeFolders(directory).then(() => sweep(directory));
		made.set(directory, known);
		known.catch(() => made.delete(directory));
		return known;
	};

	return {
		label,
		async size(key, signal) {
			throwIfAborted(signal, `Looking for ${label}/${key}`);
			const found = await orAbsent(stat(fileOf(key)), label);
			return found === null ? null : found.size;
		},
		async get(key, limitBytes, signal) {
			throwIfAborted(signal, `Reading ${label}/${key}`);
			const file = await orAbsent(open(fileOf(key), 'r'), label);
			if (file === null) return null;
			try {
				const { size } = await file.stat();
				if (size > limitBytes) throw new CacheError('cache-invalid', `${label}/${key} is longer than ${limitBytes} bytes.`);
				return await file.readFile();
			} catch (error) {
				throw explained(error, label);
			} finally {
				await file.close();
			}
		},
		async put(key, body, _contentType, signal) {
			throwIfAborted(signal, `Writing ${label}/${key}`);
			const file = fileOf(key);
			const temporary = join(dirname(file), temporaryName());
			try {
				// Nix makes it too when it opens the folder, and its daemon does so as root: then nobody else could write in it.
				await make(narFolderOf(folder));
				await make(dirname(file));
				if (body.moveTo) return await body.moveTo(file);
				if (body.bytes === null) await pipeline(body.stream(), createWriteStream(temporary, { flags: 'wx' }), { signal });
				else await writeBytes(temporary, body.bytes);
				throwIfAborted(signal, `Writing ${label}/${key}`);
				await rename(temporary, file);
			} catch (error) {
				await rm(temporary, { force: true }).catch(() => undefined);
				if (signal.aborted) throw new CacheError('cancelled', `Writing ${label}/${key} was stopped.`, { cause: error });
				throw explained(error, label);
			}
		},
		close: async () => undefined,
	};
}

async function writeBytes(path: string, bytes: Uint8Array): Promise<void> {
	const file = await open(path, 'wx');
	try {
		await file.writeFile(bytes);
	} finally {
		await file.close();
	}
}

async function sweep(directory: string): Promise<void> {
	await access(directory, constants.W_OK);
	for (const name of await readdir(directory)) {
		if (!TEMPORARY.test(name)) continue;
		const path = join(directory, name);
		const found = await stat(path).catch(() => null);
		if (found !== null && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
	}
}

async function orAbsent<T>(found: Promise<T>, label: string): Promise<T | null> {
	try {
		return await found;
	} catch (error) {
		if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
		throw explained(error, label);
	}
}

function explained(error: unknown, label: string): unknown {
	const code = systemCode(error);
	if (error instanceof CacheError || code === null) return error;
	const at = error instanceof Error && 'path' in error && typeof error.path === 'string' ? basename(error.path) : '';
	const what = `${label}: ${at === '' ? '' : `${at}: `}${code}.`;
	switch (code) {
		case 'EACCES':
		case 'EPERM':
			return new CacheError('cache-forbidden', what, {
				hint: "Give this job's user the right to read and write that folder.",
				cause: error,
			});
		case 'EROFS':
			return new CacheError('cache-read-only', what, {
				hint: 'That file system is mounted for reading only; set `push: never`.',
				cause: error,
			});
		case 'ENOSPC':
		case 'EDQUOT':
			return new CacheError('cache-failing', what, { hint: 'There is no space left in that folder.', cause: error });
		case 'ENOTDIR':
		case 'EEXIST':
			return new CacheError('cache-invalid', what, { hint: 'Is that a folder?', cause: error });
		default:
			return new CacheError('cache-failing', what, { hint: 'Is the share mounted?', cause: error });
	}
}
