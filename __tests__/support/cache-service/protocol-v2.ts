/** Protocol v2: Twirp over JSON, `POST /twirp/github.actions.results.api.v1.CacheService/<method>`. */
import type { Answer, Operations, Refused } from './operations.ts';
import { brokenAnswer, field, json, type Reply } from './reply.ts';

const ROUTE = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/;

/** `null` when the path is none of this protocol's. */
export async function answerV2(
	operations: Operations,
	path: string,
	authorization: string | undefined,
	body: Buffer,
): Promise<Reply | null> {
	const method = ROUTE.exec(path)?.[1];
	if (method === undefined) return null;
	const asked: unknown = JSON.parse(body.toString());
	const text = (name: string): string => {
		const value = field(asked, name);
		return typeof value === 'string' ? value : '';
	};
	switch (method) {
		case 'GetCacheEntryDownloadURL': {
			const more = field(asked, 'restore_keys');
			const restoreKeys = Array.isArray(more) ? more.filter((key) => typeof key === 'string') : [];
			return reply(operations.lookup(authorization, [text('key'), ...restoreKeys], text('version')), (found) => ({
				ok: true,
				signed_download_url: found.downloadUrl,
				matched_key: found.entry.key,
			}));
		}
		case 'CreateCacheEntry':
			return reply(operations.create(authorization, text('key'), text('version')), (reserved) => ({
				ok: true,
				signed_upload_url: reserved.uploadUrl,
			}));
		case 'FinalizeCacheEntryUpload':
			// int64 travels as a string (protobuf's JSON mapping).
			return reply(
				await operations.finalize(authorization, text('key'), text('version'), Number(text('size_bytes'))),
				(entry) => ({
					ok: true,
					entry_id: `${entry.id}`,
				}),
			);
		default:
			return error(404, 'bad_route', `no handler for path ${JSON.stringify(path)}`);
	}
}

function reply<T>(answer: Answer<T>, show: (value: T) => Readonly<Record<string, unknown>>): Reply {
	return answer.refusal === null ? json(200, show(answer.value)) : refusal(answer);
}

/** Texts as the real service writes them, as far as they were seen in public logs. Values that are a field's default are left out. */
function refusal({ refusal: reason, retryAfterSeconds }: Refused): Reply {
	switch (reason) {
		case 'not-ok':
			return json(200, {});
		case 'already-exists':
			return error(409, 'already_exists', 'cache entry with the same key, version, and scope already exists');
		case 'write-denied':
			return json(200, { message: 'cache write denied: the token of this run is read-only' });
		case 'read-denied':
			return error(403, 'permission_denied', 'cache read denied: the token of this run has no readable scopes');
		case 'throttled':
			return error(429, 'resource_exhausted', 'rate limit exceeded', { 'retry-after': `${retryAfterSeconds}` });
		case 'insufficient-usage':
			return error(403, 'permission_denied', 'insufficient usage to create cache entry');
		case 'unauthenticated':
			return error(401, 'unauthenticated', 'invalid token');
		case 'invalid-argument':
			return error(400, 'invalid_argument', 'key or version is not valid');
		case 'unimplemented':
			return error(404, 'bad_route', 'no handler for path');
		case 'bad-gateway':
		case 'not-json':
		case 'reset':
			return brokenAnswer(reason);
	}
}

function error(status: number, code: string, msg: string, headers: Readonly<Record<string, string>> = {}): Reply {
	return json(status, { code, msg }, headers);
}
