import type { Credentials } from '../cache-target/credentials.ts';
import type { HttpAnswer, HttpClient } from '../http/client.ts';
import type { HttpRequest } from '../http/request.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import { netrcCredentials } from './netrc-credentials.ts';
import type { ObjectReader } from './object-reader.ts';
import type { ObjectStore } from './object-store.ts';
import { bytesOf } from './ranged-answer.ts';

export interface HttpStoreOptions {
	/** Where objects are read, with or without a final slash. */
	readonly baseUrl: URL;
	/** Where they are put; `null`: at `baseUrl` too. */
	readonly pushUrl: URL | null;
	/** For the origins of both URLs: they are two doors of one cache. */
	readonly credentials: Credentials | null;
	/** For all hosts that `credentials` are not for. */
	readonly netrc: readonly NetrcEntry[];
	/** Stays open when the store is closed: it belongs to whoever made it. */
	readonly client: HttpClient;
}

const STORED = [200, 201, 202, 204];
const ABSENT = [404, 410];
/** Longest text that a server may send along with its thanks. */
const THANKS_BYTES = 64 * 1024;

/**
 * A plain HTTP server: GET, HEAD and PUT below a base URL (Artifactory, Nexus, nginx with DAV).
 *
 * 401 and 403 are errors, with one exception. Once the server let us read something, a 403 for another object means that it is not
 * there: buckets that nobody may list (S3, CloudFront) answer so, and Nix takes it so. `check` reads `nix-cache-info` first, so
 * missing permissions come to light there.
 * @param wasRead something could be read there before, by another phase
 */
export function openHttpStore(options: HttpStoreOptions, wasRead = false): ObjectStore & ObjectReader {
	const { client } = options;
	const readBase = asFolder(options.baseUrl);
	const writeBase = asFolder(options.pushUrl ?? options.baseUrl);
	let mayRead = wasRead;

	const credentialsFor = (url: URL): Credentials | null => {
		const given = url.origin === readBase.origin || url.origin === writeBase.origin ? options.credentials : null;
		return given ?? netrcCredentials(options.netrc, url);
	};
	const absent = () => (mayRead ? [...ABSENT, 403] : ABSENT);
	const ask = async (key: string, request: Omit<HttpRequest, 'url' | 'credentials'>): Promise<HttpAnswer> => {
		const url = new URL(key, readBase);
		const answer = await client.request({ ...request, url, credentials: credentialsFor(url) });
		if (answer.status < 300) mayRead = true;
		return answer;
	};

	return {
		label: shown(readBase),
		async size(key, signal) {
			const head = await ask(key, { method: 'HEAD', accept: [200, 204, 400, ...ABSENT, 403, 405, 501], limitBytes: 0, signal });
			if (head.status === 200) return sizeOf(head.header('content-length'), head);
			// Servers that know no HEAD, or forbid it, deny what GET would give (signed URLs), or say that there is no content (ncps): one byte tells as well.
			const headers = { range: 'bytes=0-0' };
			const part = await ask(key, { method: 'GET', headers, accept: [200, 206, 416, ...absent()], limitBytes: 0, signal });
			if (absent().includes(part.status)) return null;
			return part.status === 200
				? sizeOf(part.header('content-length'), part)
				: sizeOf(/\/(\d+)$/.exec(part.header('content-range') ?? '')?.[1] ?? null, part);
		},
		async get(key, limitBytes, signal) {
			const answer = await ask(key, { method: 'GET', accept: [200, ...absent()], limitBytes, signal });
			return answer.status === 200 ? answer.bytes : null;
		},
		async open(key, range, signal) {
			const headers = range === null ? {} : { range: `bytes=${range.start}-${range.end}` };
			const accept = [200, ...(range === null ? [] : [206, 416]), ...absent()];
			const answer = await ask(key, { method: 'GET', headers, accept, limitBytes: 0, streamed: true, signal });
			if (!absent().includes(answer.status)) return bytesOf(answer, range, key);
			answer.stream?.destroy();
			return null;
		},
		async put(key, body, contentType, signal) {
			const url = new URL(key, writeBase);
			const headers = { 'content-type': contentType };
			const credentials = credentialsFor(url);
			await client.request({ method: 'PUT', url, headers, body, credentials, accept: STORED, limitBytes: THANKS_BYTES, signal });
		},
		close: async () => undefined,
	};
}

/** What a key is relative to. */
function asFolder(url: URL): URL {
	const folder = new URL(url);
	folder.search = '';
	folder.hash = '';
	if (!folder.pathname.endsWith('/')) folder.pathname += '/';
	return folder;
}

function shown(folder: URL): string {
	return `${folder.origin}${folder.pathname}`.replace(/\/$/, '');
}

/** -1 when the server does not tell, or tells the size of an encoded form. */
function sizeOf(text: string | null, answer: HttpAnswer): number {
	return text !== null && /^\d{1,15}$/.test(text) && answer.header('content-encoding') === null ? Number(text) : -1;
}
