/** Protocol v1: REST under `_apis/artifactcache/`, what GHES, act, Gitea and Forgejo speak. */
import type { Answer, Operations, Refused } from './operations.ts';
import { brokenAnswer, field, json, type Reply } from './reply.ts';

/** Servers put a path of their own before it: act a token, Forgejo's proxy the run's number. */
const ROUTE = /^(?:\/[\w-]+)*\/_apis\/artifactcache\/(cache|caches)(?:\/(\d+))?$/;

/** `null` when the path is none of this protocol's. */
export async function answerV1(
	operations: Operations,
	request: { readonly method: string; readonly url: URL; readonly contentRange: string | undefined },
	authorization: string | undefined,
	body: Buffer,
): Promise<Reply | null> {
	const [match, resource, id] = ROUTE.exec(request.url.pathname) ?? [];
	if (match === undefined) return null;
	const asked = (name: string): unknown => field(JSON.parse(body.toString()), name);
	switch (`${request.method} ${resource}${id === undefined ? '' : '/id'}`) {
		case 'GET cache': {
			const keys = (request.url.searchParams.get('keys') ?? '').split(',');
			return reply(
				operations.lookup(authorization, keys, request.url.searchParams.get('version') ?? ''),
				({ entry, downloadUrl }) => ({
					cacheKey: entry.key,
					scope: entry.scope,
					cacheVersion: entry.version,
					creationTime: new Date(entry.committedAtMs ?? 0).toISOString(),
					archiveLocation: downloadUrl,
				}),
			);
		}
		case 'POST caches':
			return reply(operations.create(authorization, `${asked('key')}`, `${asked('version')}`), ({ entry }) => ({
				cacheId: entry.id,
			}));
		case 'PATCH caches/id': {
			const start = Number(/^bytes (\d+)-\d+\/\*$/.exec(request.contentRange ?? '')?.[1] ?? Number.NaN);
			if (Number.isNaN(start)) return json(400, { message: 'Content-Range is missing' });
			return reply(await operations.putChunk(authorization, Number(id), start, body), () => null);
		}
		case 'POST caches/id':
			return reply(await operations.commitChunks(authorization, Number(id), Number(asked('size'))), () => null);
		default:
			return json(405, { message: 'method not allowed' });
	}
}

function reply<T>(answer: Answer<T>, show: (value: T) => Readonly<Record<string, unknown>> | null): Reply {
	if (answer.refusal !== null) return refusal(answer);
	const shown = show(answer.value);
	return shown === null ? { status: 204, headers: {}, body: '' } : json(200, shown);
}

function refusal({ refusal: reason, retryAfterSeconds }: Refused): Reply {
	switch (reason) {
		case 'not-ok':
			return { status: 204, headers: {}, body: '' };
		case 'already-exists':
			return json(409, { typeKey: 'ArtifactCacheItemAlreadyExistsException', message: 'Cache already exists.' });
		case 'write-denied':
			return json(403, { message: 'cache write denied: the token of this run is read-only' });
		case 'read-denied':
			return json(403, { message: 'cache read denied: the token of this run has no readable scopes' });
		case 'throttled':
			return json(429, { message: 'Too many requests' }, { 'retry-after': `${retryAfterSeconds}` });
		case 'insufficient-usage':
			return json(403, { message: 'insufficient usage to create cache entry' });
		case 'unauthenticated':
			return json(401, { message: 'invalid token' });
		case 'invalid-argument':
			return json(400, { message: 'the request is not valid' });
		case 'unimplemented':
			return json(404, { message: 'not found' });
		case 'bad-gateway':
		case 'not-json':
		case 'reset':
			return brokenAnswer(reason);
	}
}
