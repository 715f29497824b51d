/** What a client can do, whatever the version of the protocol: faults, rights and limits first, then entries and blobs. */
import type { Azurite } from './azurite.ts';
import type { Entries, Entry } from './entries.ts';
import { asRefusal, type Faults, type Refusal, type ServiceOperation } from './faults.ts';
import { type Identity, READ, type Tokens, WRITE } from './job.ts';
import type { Limit } from './limit.ts';
import type { Traffic } from './traffic.ts';

export type Answer<T> = Refused | { readonly refusal: null; readonly value: T };

export interface Refused {
	readonly refusal: Refusal;
	readonly retryAfterSeconds: number;
}

export interface Found {
	readonly entry: Entry;
	readonly downloadUrl: string;
}

export interface Reserved {
	readonly entry: Entry;
	readonly uploadUrl: string;
}

export interface Operations {
	/** `keys`: the primary key, then the restore keys. */
	lookup(authorization: string | undefined, keys: readonly string[], version: string): Answer<Found>;
	create(authorization: string | undefined, key: string, version: string): Answer<Reserved>;
	finalize(authorization: string | undefined, key: string, version: string, sizeBytes: number): Promise<Answer<Entry>>;
	/** v1 only: one part of an entry's archive, from byte `start` on. */
	putChunk(authorization: string | undefined, id: number, start: number, bytes: Buffer): Promise<Answer<Entry>>;
	/** v1 only: all parts are there. */
	commitChunks(authorization: string | undefined, id: number, sizeBytes: number): Promise<Answer<Entry>>;
}

export interface Parts {
	readonly entries: Entries;
	readonly tokens: Tokens;
	readonly faults: Faults;
	readonly traffic: Traffic;
	readonly creations: Limit;
	readonly lookups: Limit;
	readonly azurite: Azurite;
	/** How long a download URL is good. Uploads have six times as long (an hour and ten minutes on the real service). */
	readonly urlLifetimeMs: () => number;
	readonly visibleAfterMs: () => number;
	readonly now: () => number;
	/** Makes a URL of a signed path and query. */
	readonly blobUrl: (signed: string) => string;
}

const KEY_LIMIT = 512;
const KEYS_LIMIT = 10;

export function createOperations(parts: Parts): Operations {
	const { entries, azurite, traffic } = parts;
	const chunks = new Map<number, { readonly start: number; readonly sizeBytes: number }[]>();

	/** The start of every call: what strikes it, and who asks. */
	const enter = (operation: ServiceOperation, key: string | null, authorization: string | undefined): Refused | Identity => {
		traffic.called(operation, key);
		const strike = asRefusal(parts.faults.strike(operation));
		if (strike !== null) return refused(strike);
		return parts.tokens.identify(authorization) ?? refused('unauthenticated');
	};
	const may = (identity: Identity, right: number): boolean =>
		identity.scopes.some(({ Permission }) => (Permission & right) !== 0);
	const throttled = (limit: Limit, identity: Identity): Refused | null => {
		const seconds = limit.take(identity.repository);
		return seconds === null ? null : { refusal: 'throttled', retryAfterSeconds: seconds };
	};

	const finish = async (entry: Entry, sizeBytes: number): Promise<Answer<Entry>> => {
		const stored = await azurite.container
			.getBlockBlobClient(entry.blob)
			.getProperties()
			.catch(() => null);
		if (stored?.contentLength !== sizeBytes) return refused('not-ok');
		return { refusal: null, value: entries.commit(entry.id, sizeBytes) };
	};

	return {
		lookup(authorization, keys, version) {
			const identity = enter('lookup', keys[0] ?? null, authorization);
			if ('refusal' in identity) return identity;
			const limited = throttled(parts.lookups, identity);
			if (limited !== null) return limited;
			if (!may(identity, READ)) return refused('read-denied');
			if (keys.length > KEYS_LIMIT || !keys.every(isKey) || !isVersion(version)) return refused('invalid-argument');
			const entry = entries.find({ ...identity, version }, keys, parts.now() - parts.visibleAfterMs());
			if (entry === null) return refused('not-ok');
			return {
				refusal: null,
				value: { entry, downloadUrl: parts.blobUrl(azurite.sign(entry.blob, 'r', parts.urlLifetimeMs())) },
			};
		},
		create(authorization, key, version) {
			const identity = enter('create', key, authorization);
			if ('refusal' in identity) return identity;
			const limited = throttled(parts.creations, identity);
			if (limited !== null) return limited;
			if (!may(identity, WRITE)) return refused('write-denied');
			if (!isKey(key) || !isVersion(version)) return refused('invalid-argument');
			const entry = entries.reserve({ ...identity, version }, key);
			if (entry === null) return refused('already-exists');
			return {
				refusal: null,
				value: { entry, uploadUrl: parts.blobUrl(azurite.sign(entry.blob, 'cw', 6 * parts.urlLifetimeMs())) },
			};
		},
		async finalize(authorization, key, version, sizeBytes) {
			const identity = enter('finalize', key, authorization);
			if ('refusal' in identity) return identity;
			const entry = may(identity, WRITE) ? entries.reserved({ ...identity, version }, key) : null;
			return entry === null ? refused('not-ok') : finish(entry, sizeBytes);
		},
		async putChunk(authorization, id, start, bytes) {
			const entry = entries.byId(id);
			const identity = enter('chunk', entry?.key ?? null, authorization);
			if ('refusal' in identity) return identity;
			if (entry === null || entry.sizeBytes !== null) return refused('invalid-argument');
			await azurite.container.getBlockBlobClient(entry.blob).stageBlock(blockId(start), bytes, bytes.length);
			traffic.wrote(bytes.length);
			const others = (chunks.get(id) ?? []).filter((chunk) => chunk.start !== start);
			chunks.set(id, [...others, { start, sizeBytes: bytes.length }]);
			return { refusal: null, value: entry };
		},
		async commitChunks(authorization, id, sizeBytes) {
			const entry = entries.byId(id);
			const identity = enter('finalize', entry?.key ?? null, authorization);
			if ('refusal' in identity) return identity;
			const sorted = (chunks.get(id) ?? []).toSorted((a, b) => a.start - b.start);
			let endsAt = 0;
			for (const chunk of sorted) {
				if (chunk.start !== endsAt) return refused('invalid-argument');
				endsAt += chunk.sizeBytes;
			}
			if (entry === null || endsAt !== sizeBytes) return refused('invalid-argument');
			await azurite.container.getBlockBlobClient(entry.blob).commitBlockList(sorted.map(({ start }) => blockId(start)));
			chunks.delete(id);
			return finish(entry, sizeBytes);
		},
	};
}

function refused(refusal: Refusal): Refused {
	return { refusal, retryAfterSeconds: 1 };
}

function isKey(key: string): boolean {
	return key !== '' && key.length <= KEY_LIMIT && !key.includes(',');
}

/** The clients that the real service knows all send a SHA-256 in hexadecimal. */
function isVersion(version: string): boolean {
	return /^[0-9a-f]{64}$/.test(version);
}

function blockId(start: number): string {
	return Buffer.from(`${start}`.padStart(20, '0')).toString('base64');
}
