import { rm } from 'node:fs/promises';
import { CacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import { createBlobReader } from './blob-reader.ts';
import { uploadBlob } from './blob-upload.ts';
import type { CacheService, FoundEntry, Lookup } from './cache-service.ts';
import { createTwirp } from './twirp.ts';

export interface DirectOptions {
	readonly client: HttpClient;
	/** `ACTIONS_RESULTS_URL`. */
	readonly baseUrl: URL;
	readonly token: string;
	/** The namespace: 64 hexadecimal digits. */
	readonly version: string;
	readonly whyNoRead: string | null;
	readonly whyNoWrite: string | null;
	/** For blobs of servers that ignore `Range`; made when needed, and removed by `close`. */
	readonly folder: string;
	/** Keeps a text out of every log. */
	readonly mask: (secret: string) => void;
	/** Milliseconds on a clock that only goes forward. */
	readonly nowMs: () => number;
}

/** Of Azure, Amazon and Google, and those who store like them. */
const SIGNATURES = ['sig', 'x-amz-signature', 'x-goog-signature'];

/** The Actions cache by its own protocol: entries are blobs as they are, and a part of one can be read. */
export function openDirect(options: DirectOptions): CacheService {
	const { client, version, mask, nowMs } = options;
	const twirp = createTwirp(options);

	const resolve = async (which: Lookup, signal: AbortSignal): Promise<{ key: string; url: URL } | null> => {
		const [key, restoreKeys] = 'key' in which ? [which.key, []] : [which.newestOf, [which.newestOf]];
		const answer = await twirp.call('GetCacheEntryDownloadURL', { key, restore_keys: restoreKeys, version }, signal);
		if (answer.kind === 'not-ok') return null;
		const found = textField(answer.fields, 'matched_key', 'matchedKey').toLowerCase();
		// The key of a lookup is a prefix too: with `key` alone an answer may be for a longer one.
		const isWanted = 'key' in which ? found === which.key.toLowerCase() : found.startsWith(which.newestOf.toLowerCase());
		if (!isWanted) return null;
		return { key: found, url: urlField(answer.fields, mask, 'signed_download_url', 'signedDownloadUrl') };
	};

	const entryOf = (key: string, url: URL): FoundEntry => {
		const renew = async (signal: AbortSignal): Promise<URL | null> => (await resolve({ key }, signal))?.url ?? null;
		const blob = createBlobReader({ client, url, renew, folder: options.folder, nowMs });
		return { key, read: blob.read };
	};

	return {
		transport: 'direct',
		label: 'the Actions cache',
		whyNoRead: options.whyNoRead,
		whyNoWrite: options.whyNoWrite,
		refusesDuplicates: true,
		async lookup(which, signal) {
			const found = await resolve(which, signal);
			return found === null ? null : entryOf(found.key, found.url);
		},
		async save(key, body, signal) {
			const reserved = await twirp.call('CreateCacheEntry', { key, version }, signal);
			if (reserved.kind === 'not-ok') return 'exists';
			await uploadBlob(client, urlField(reserved.fields, mask, 'signed_upload_url', 'signedUploadUrl'), body, signal);
			const finalized = await twirp.call('FinalizeCacheEntryUpload', { key, size_bytes: `${body.sizeBytes}`, version }, signal);
			// When the answer to a first try was lost, the second one is refused although the entry is there.
			if (finalized.kind === 'ok' || (await resolve({ key }, signal)) !== null) return 'saved';
			throw new CacheError('cache-failing', `The Actions cache did not take the entry \`${key}\` after its upload.`);
		},
		close: () => rm(options.folder, { recursive: true, force: true }),
	};
}

/** Servers write names as in the protocol's definition, or as JSON usually has them. */
function textField(fields: Readonly<Record<string, unknown>>, ...names: readonly string[]): string {
	const value = names.map((name) => fields[name]).find((one) => typeof one === 'string' && one !== '');
	if (typeof value === 'string') return value;
	throw new CacheError('cache-invalid', `An answer of the Actions cache has no \`${names[0]}\`.`);
}

/** A signed URL is a secret: whoever has it can read or write the blob. */
function urlField(fields: Readonly<Record<string, unknown>>, mask: (secret: string) => void, ...names: readonly string[]): URL {
	const text = textField(fields, ...names);
	if (!URL.canParse(text))
		throw new CacheError('cache-invalid', `\`${names[0]}\` in an answer of the Actions cache is not a URL.`);
	const url = new URL(text);
	for (const [name, value] of url.searchParams) {
		if (!SIGNATURES.includes(name.toLowerCase()) || value === '') continue;
		// As it is, as it stands in the URL, and as others would write it.
		const written = new RegExp(`[?&]${name}=([^&#]+)`).exec(text)?.[1] ?? value;
		for (const form of new Set([value, written, encodeURIComponent(value)])) mask(form);
	}
	return url;
}
