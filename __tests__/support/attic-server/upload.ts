/** `PUT _api/v1/upload-path`. Source: attic/server/src/api/v1/upload_path.rs. */
import type { IncomingHttpHeaders } from 'node:http';
import { decodeBase32 } from '../../../src/nix/base32.ts';
import type { StoredObject } from './caches.ts';
import type { Nars } from './nars.ts';
import { badRequest } from './refusal.ts';
import { isObject } from './tokens.ts';

/** What an upload says of itself. */
export interface UploadInfo {
	readonly cache: string;
	readonly hashPart: string;
	readonly object: StoredObject;
}

const MAX_INFO_BYTES = 1024 * 1024;
const CACHE_NAME = /^[A-Za-z0-9][A-Za-z0-9_+-]{0,49}$/;
export const HASH_PART = /^[0123456789abcdfghijklmnpqrsvwxyz]{32}$/;

/** Reads the description, in front of the body or in a header; what is left of the body is the NAR. */
export async function readInfo(
	headers: IncomingHttpHeaders,
	body: AsyncIterator<Uint8Array>,
): Promise<{ readonly info: UploadInfo; readonly rest: Uint8Array }> {
	const preamble = headers['x-attic-nar-info-preamble-size'];
	if (preamble === undefined) {
		const header = headers['x-attic-nar-info'];
		if (typeof header !== 'string') throw badRequest('X-Attic-Nar-Info must be set');
		return { info: parseInfo(Buffer.from(header, 'latin1').toString('utf8')), rest: new Uint8Array() };
	}
	if (!/^\d+$/.test(String(preamble))) throw badRequest('X-Attic-Nar-Info-Preamble-Size must be a valid unsigned integer');
	const sizeBytes = Number(preamble);
	if (sizeBytes > MAX_INFO_BYTES) throw badRequest('Upload info is too large');
	let bytes = Buffer.alloc(0);
	while (bytes.length < sizeBytes) {
		const part = await body.next();
		if (part.done === true) throw badRequest("Upload info doesn't match specified size");
		bytes = Buffer.concat([bytes, part.value]);
	}
	return { info: parseInfo(bytes.subarray(0, sizeBytes).toString('utf8')), rest: bytes.subarray(sizeBytes) };
}

/** Stores the NAR, or looks at it all the same when it is known. Says whether it was new. */
export async function takeNar(
	nars: Nars,
	{ object }: UploadInfo,
	rest: Uint8Array,
	body: AsyncIterator<Uint8Array>,
	requireProofOfPossession: boolean,
): Promise<'Uploaded' | 'Deduplicated'> {
	const isKnown = nars.has(object.narHash);
	if (isKnown && !requireProofOfPossession) return 'Deduplicated';
	const writer = nars.write();
	writer.add(rest);
	for (let part = await body.next(); part.done !== true; part = await body.next()) writer.add(part.value);
	if (!writer.finish(object.narHash, object.narSizeBytes)) throw badRequest('Bad NAR Hash or Size');
	return isKnown ? 'Deduplicated' : 'Uploaded';
}

function parseInfo(text: string): UploadInfo {
	const fields = parseJson(text);
	const { cache, store_path_hash, store_path, nar_hash, nar_size, references, sigs, deriver, system, ca } = fields;
	if (!matches(cache, CACHE_NAME)) throw badRequest('invalid cache name');
	if (!matches(store_path_hash, HASH_PART)) throw badRequest('invalid store path hash');
	if (typeof store_path !== 'string') throw badRequest('missing field `store_path`');
	if (typeof nar_size !== 'number' || !Number.isSafeInteger(nar_size) || nar_size < 0) throw badRequest('invalid nar_size');
	if (!isTextOrNull(system) || !isTextOrNull(deriver) || !isTextOrNull(ca)) throw badRequest('invalid type');
	return {
		cache,
		hashPart: store_path_hash,
		object: {
			storePath: store_path,
			references: texts(references),
			deriver: deriver ?? null,
			sigs: texts(sigs),
			ca: ca ?? null,
			narHash: hexOf(nar_hash),
			narSizeBytes: nar_size,
		},
	};
}

export function parseJson(text: string): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(text);
		if (isObject(value)) return value;
	} catch {
		// Said below.
	}
	throw badRequest('expected value at line 1 column 1');
}

function hexOf(value: unknown): string {
	const [, hex, base32] = /^sha256:(?:([0-9a-f]{64})|([0-9a-z]{52}))$/i.exec(String(value)) ?? [];
	if (hex === undefined && base32 === undefined) throw badRequest('invalid hash');
	return hex?.toLowerCase() ?? Buffer.from(decodeBase32(base32 ?? '')).toString('hex');
}

function texts(value: unknown): readonly string[] {
	if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw badRequest('expected a sequence');
	return value;
}

function matches(value: unknown, pattern: RegExp): value is string {
	return typeof value === 'string' && pattern.test(value);
}

function isTextOrNull(value: unknown): value is string | null | undefined {
	return value === undefined || value === null || typeof value === 'string';
}
