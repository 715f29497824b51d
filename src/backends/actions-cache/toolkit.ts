import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ObjectBody } from '../../bodies/body.ts';
import { CacheError, isCacheError } from '../../errors.ts';
import { abortError } from '../../waiting/cancel.ts';
import type { CacheService, FoundEntry } from './cache-service.ts';
import { fileError } from './file-error.ts';
import { type Shared, shareWork } from './shared-work.ts';
import { failureIn, reasonIn, saysNotSaved } from './toolkit-output.ts';
import { runToolkitProcess, type ToolkitProcessOptions, type ToolkitResult } from './toolkit-process.ts';
import type { ToolkitRequest } from './toolkit-program.ts';

export interface ToolkitOptions extends ToolkitProcessOptions {
	/** The namespace: 64 hexadecimal digits. */
	readonly version: string;
	readonly whyNoRead: string | null;
	readonly whyNoWrite: string | null;
	readonly refusesDuplicates: boolean;
	/** Made when needed; what was restored lies there until `close`. */
	readonly folder: string;
}

/**
 * The Actions cache through the public interface of `@actions/cache`: for servers that speak the older protocol (GHES, act, Gitea, Forgejo), and for the day on which
 * the newer one changes. An entry is an archive with one file; reading a part of it fetches all of it once.
 */
export function openToolkit(options: ToolkitOptions): CacheService {
	const { version, folder } = options;
	// The toolkit derives its namespace from the names of the files.
	const path = `nix-cache-action-${version.slice(0, 16)}`;
	const restored = new Map<string, Shared<string | null>>();

	const call = async <T>(
		request: ToolkitRequest,
		signal: AbortSignal,
		use: (result: ToolkitResult, place: string) => Promise<T> | T,
		prepare?: (place: string) => Promise<void>,
	): Promise<T> => {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const place = await mkdtemp(join(folder, 'toolkit-'));
		try {
			await prepare?.(place);
			return await use(await runToolkitProcess(options, place, request, signal), place);
		} finally {
			await rm(place, { recursive: true, force: true });
		}
	};

	/** The file of an entry; `null` when the entry has gone. */
	const restore = (key: string, signal: AbortSignal): Promise<string | null> => {
		const request = { call: 'restore', path, key, restoreKeys: [], lookupOnly: false } as const;
		return call(request, signal, async ({ returned, lines }, place) => {
			if (typeof returned !== 'string' || returned.toLowerCase() !== key.toLowerCase()) {
				throwIfFailed(failureIn(lines));
				restored.delete(key);
				return null;
			}
			const kept = join(folder, `entry-${randomBytes(8).toString('hex')}`);
			await rename(join(place, path), kept).catch((cause: unknown) => {
				throw new CacheError('cache-invalid', `The archive of the entry \`${key}\` does not hold its file.`, { cause });
			});
			return kept;
		});
	};

	const entryOf = (key: string): FoundEntry => ({
		key: key.toLowerCase(),
		async read(range, signal) {
			const fetched = restored.get(key) ?? shareWork((until) => restore(key, until));
			restored.set(key, fetched);
			const file = await fetched(signal, `Fetching the entry \`${key}\` from the Actions cache`);
			if (file === null) return null;
			const { size } = await stat(file);
			if (range !== null && range.end >= size)
				throw new CacheError('cache-invalid', `The entry \`${key}\` has ${size} bytes and should have more than ${range.end}.`);
			return createReadStream(file, range ?? {});
		},
	});

	return {
		transport: 'toolkit',
		label: 'the Actions cache',
		whyNoRead: options.whyNoRead,
		whyNoWrite: options.whyNoWrite,
		refusesDuplicates: options.refusesDuplicates,
		async lookup(which, signal) {
			const [key, restoreKeys] = 'key' in which ? [which.key, []] : [which.newestOf, [which.newestOf]];
			const request = { call: 'restore', path, key, restoreKeys, lookupOnly: true } as const;
			const returned = await call(request, signal, (result) => {
				if (result.returned === null) throwIfFailed(failureIn(result.lines));
				return result.returned;
			});
			if (typeof returned !== 'string') return null;
			const isWanted = 'key' in which ? returned.toLowerCase() === which.key : returned.toLowerCase().startsWith(which.newestOf);
			return isWanted ? entryOf(returned) : null;
		},
		async save(key, body, signal) {
			const request = { call: 'save', path, key } as const;
			return call(
				request,
				signal,
				({ returned, lines }) => {
					// On the older protocol it also returns the id of an entry whose upload failed.
					if (typeof returned === 'number' && returned >= 0 && !saysNotSaved(lines)) return 'saved';
					const failure = failureIn(lines);
					if (failure === 'exists') return 'exists';
					throwIfFailed(failure);
					throw new CacheError('cache-failing', `The Actions cache did not take the entry \`${key}\`: ${reasonIn(lines)}`);
				},
				(place) => writeBody(body, join(place, path), signal),
			);
		},
		async close() {
			await rm(folder, { recursive: true, force: true });
		},
	};
}

async function writeBody(body: ObjectBody, file: string, signal: AbortSignal): Promise<void> {
	try {
		await pipeline(body.stream(), createWriteStream(file, { mode: 0o600, flags: 'wx' }), { signal });
	} catch (cause) {
		if (signal.aborted) throw abortError(signal, 'Saving to the Actions cache');
		if (isCacheError(cause)) throw cause;
		throw fileError(cause, file) ?? new CacheError('file-failed', `${file} can't be written (${cause}).`, { cause });
	}
}

function throwIfFailed(failure: CacheError | 'exists' | null): void {
	if (failure instanceof CacheError) throw failure;
}
