import { Readable } from 'node:stream';
import type { HttpTarget } from '../cache-target/http.ts';
import { CacheError, isCacheError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import { MAX_CACHE_INFO_BYTES } from '../nix/cache-info.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { netrcCredentials } from './netrc-credentials.ts';

/** How long a server gets to refuse an upload on the sight of its head, beyond what an answer takes. */
const WAIT_MS = 250;
const MAX_WAIT_MS = 1_500;

/** A NAR that nothing refers to. */
const NO_NAR = `nar/${'0'.repeat(52)}.nar`;

/**
 * Whether an HTTP server takes no uploads at all, or not with these credentials, found out without leaving anything there: it is asked for its methods, and
 * where it does not name PUT, an upload is begun that is never finished. A server that says nothing to that may be writable.
 * @throws CacheError `push-impossible` when it surely takes nothing
 */
export async function checkUploads(
	target: HttpTarget,
	netrc: readonly NetrcEntry[],
	client: HttpClient,
	signal: AbortSignal,
): Promise<void> {
	const base = new URL(target.pushUrl ?? target.url);
	if (!base.pathname.endsWith('/')) base.pathname += '/';
	const credentials = target.credentials ?? netrcCredentials(netrc, base);
	const startedMs = performance.now();
	const options = await client
		.request({
			method: 'OPTIONS',
			url: new URL('nix-cache-info', base),
			credentials,
			accept: ANY,
			limitBytes: MAX_CACHE_INFO_BYTES,
			signal,
		})
		.catch((error: unknown) => {
			if (!isCacheError(error) || signal.aborted) throw error;
			return null;
		});
	if (options === null) return;
	if (Buffer.from(options.bytes).toString('utf8').startsWith('StoreDir:')) {
		throw impossible(`${base.href} gives what it has whatever the method is (as nix-serve does), and takes no uploads.`);
	}
	if (/\bPUT\b/.test(options.header('allow') ?? '')) return;

	const waitMs = Math.min(MAX_WAIT_MS, WAIT_MS + 2 * (performance.now() - startedMs));
	const url = new URL(NO_NAR, base);
	const patience = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(waitMs))]);
	const refusal = await client
		.request({ method: 'PUT', url, body: neverEnding(), credentials, accept: [], limitBytes: 0, signal: patience })
		.then(
			() => null,
			(error: unknown) => error,
		);
	if (signal.aborted) throw refusal;
	if (!isCacheError(refusal, 'cache-read-only', 'cache-not-found', 'cache-unauthorized', 'cache-forbidden')) return;
	throw impossible(refusal.message, refusal);
}

const ANY = Array.from({ length: 400 }, (_, index) => 200 + index);

function impossible(message: string, cause?: CacheError): CacheError {
	const hint =
		cause?.code === 'cache-unauthorized' || cause?.code === 'cache-forbidden'
			? cause.hint
			: 'Name the URL that takes uploads in `push-url`; a server that only serves a store (harmonia, nix-serve) goes under `substituters`, or set `push: never`.';
	return new CacheError('push-impossible', message, { hint: hint ?? undefined, cause });
}

/** Two bytes, of which one comes. */
function neverEnding() {
	return {
		sizeBytes: 2,
		bytes: null,
		stream: () => {
			let begun = false;
			return new Readable({
				read() {
					if (!begun) this.push(Buffer.alloc(1));
					begun = true;
				},
			});
		},
	};
}
