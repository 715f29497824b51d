import type { Credentials } from '../../cache-target/credentials.ts';
import { isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import { MAX_NARINFO_BYTES, type NarInfo, parseNarInfo } from '../../nix/narinfo.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import type { PublicKey } from '../../nix/signature.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import type { ReadBack } from '../backend.ts';
import { differenceOf } from '../published-narinfo.ts';
import { asFolder } from './substituter.ts';

export interface ReadBackOptions {
	readonly client: HttpClient;
	/** What Nix reads from. */
	readonly substituter: URL;
	/** For that host. */
	readonly credentials: Credentials | null;
	/** The key that the server signs with. */
	readonly publicKey: PublicKey;
	readonly storeDir: string;
}

/** Asks for a path as Nix would: its narinfo, signed by the server, and its NAR. */
export async function readPathBack(info: PathInfo, options: ReadBackOptions, signal: AbortSignal): Promise<ReadBack> {
	try {
		const narInfo = await fetchNarInfo(info, options, signal);
		if (narInfo === null) return { ok: false, problem: 'its narinfo is not there' };
		const difference = differenceOf(info, narInfo, [options.publicKey], options.storeDir);
		if (difference !== null) return { ok: false, problem: difference };
		const isThere = await hasNar(narInfo, options, signal);
		return isThere ? { ok: true } : { ok: false, problem: `its NAR (${narInfo.url}) is not there` };
	} catch (error) {
		if (isCacheError(error, 'format-invalid')) return { ok: false, problem: error.message };
		throw error;
	}
}

async function fetchNarInfo(
	{ path }: PathInfo,
	{ client, substituter, credentials, storeDir }: ReadBackOptions,
	signal: AbortSignal,
): Promise<NarInfo | null> {
	const hashPart = hashPartOf(path);
	const url = new URL(`${hashPart}.narinfo`, asFolder(substituter));
	const accept = [200, 404];
	const answer = await client.request({ method: 'GET', url, credentials, accept, limitBytes: MAX_NARINFO_BYTES, signal });
	if (answer.status === 404) return null;
	const { bytes } = answer;
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
	return parseNarInfo(text, { storeDir, expectedHashPart: hashPart });
}

/** By GET: the server may send to a signed URL of its storage, which is good for that method alone. */
async function hasNar(
	narInfo: NarInfo,
	{ client, substituter, credentials }: ReadBackOptions,
	signal: AbortSignal,
): Promise<boolean> {
	const url = new URL(narInfo.url, asFolder(substituter));
	const own = url.origin === substituter.origin ? credentials : null;
	const headers = { range: 'bytes=0-0' };
	const accept = [200, 206, 404];
	const answer = await client.request({ method: 'GET', url, headers, credentials: own, accept, limitBytes: 0, signal });
	return answer.status !== 404;
}
