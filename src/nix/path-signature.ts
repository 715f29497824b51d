import { encodeBase64 } from './base64.ts';
import { type Ed25519, ed25519 } from './ed25519.ts';
import type { PathInfo } from './path-info.ts';
import { fingerprint, type SecretKey, sign } from './signature.ts';

/** `null`: another thread is at it. Of several caches that take a path, the second finds its signature made. They go when key and information go. */
type Signatures = WeakMap<PathInfo, string | null>;

const made = new WeakMap<SecretKey, Signatures>();

function madeWith(key: SecretKey): Signatures {
	const known: Signatures = made.get(key) ?? new WeakMap();
	made.set(key, known);
	return known;
}

/** The signature of a path: `name:base64`, made when it is not yet. Throws `format-invalid` when the size of its NAR is not known. */
export function signatureOf(info: PathInfo, key: SecretKey): string {
	const known = madeWith(key);
	const signature = known.get(info) ?? sign(fingerprint(info), key);
	known.set(info, signature);
	return signature;
}

/** Given to other threads at a time: 10 ms of work for two of them, which others may have to wait for. */
const AT_A_TIME = 256;

/**
 * Makes the signatures of paths that will be asked for soon, in about this order, on other threads; until `signal` is aborted. What it can't sign is left to whoever
 * asks. Resolves when all are made.
 */
export async function signAhead(
	infos: readonly PathInfo[],
	key: SecretKey,
	signal: AbortSignal,
	{ signAside }: Pick<Ed25519, 'signAside'> = ed25519(),
): Promise<void> {
	if (signAside === undefined) return;
	const known = madeWith(key);
	for (let start = 0; start < infos.length && !signal.aborted; start += AT_A_TIME) {
		const batch = infos.slice(start, start + AT_A_TIME).filter((info) => !known.has(info) && info.narSizeBytes > 0);
		const signing = batch.map(async (info) => {
			known.set(info, null);
			const bytes = await signAside(Buffer.from(fingerprint(info)), key.secretKey);
			known.set(info, `${key.name}:${encodeBase64(bytes)}`);
		});
		// Whoever asks for one that failed signs it, and learns why not.
		await Promise.allSettled(signing);
	}
}
