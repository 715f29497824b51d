import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { bodyOfText } from '../../bodies/in-memory.ts';
import type { S3Target } from '../../cache-target/s3.ts';
import { type CacheError, describeError, isCacheError } from '../../errors.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { ObjectStore } from '../object-store.ts';
import type { NarBytes, UnmeasuredNar } from '../path-reader.ts';
import { bytesOf } from '../ranged-answer.ts';
import { openConnection } from './connection.ts';
import { answerIn, isAbsent } from './failure.ts';
import { uploadInParts } from './multipart.ts';
import { ANSWER_BYTES } from './transport.ts';

export interface S3Means {
	/** Stays open when the store is closed. */
	readonly client: HttpClient;
	readonly log: Log;
}

/** A bucket, for those who write and for those who read. */
export interface S3Store extends ObjectStore, ObjectReader {
	/** Whether everybody, and so Nix without credentials, can read `key` by the bucket's plain URL. */
	isPublic(key: string, signal: AbortSignal): Promise<boolean>;
	/**
	 * Why it takes no object of the job's, as far as that can be known without leaving one; `null` when nothing is known against it. It is sent one whose MD5 is another one's: who
	 * may not put it is refused before it is read, all others are told of the damage.
	 */
	whyNoPut(signal: AbortSignal): Promise<CacheError | null>;
	/** Whether the job has keys for it. Throws `cache-unauthorized` when something names some that can't be had. */
	hasKeys(signal: AbortSignal): Promise<boolean>;
}

/** No store path has such a name, and nothing that Nix asks for. */
const PROBE_KEY = 'nix-cache-action-may-write';

/** What is larger goes up in parts: a line that breaks then costs a part and not the whole. One request could bring 5 GiB. */
const ONE_PUT_BYTES = 64 * 1024 * 1024;

/**
 * A bucket of Amazon S3, or of a server that speaks its protocol.
 *
 * Who may not list a bucket is told `AccessDenied` of what is not there. So once something could be read, that means "not there", as it does for Nix; `check`
 * reads `nix-cache-info` first, where missing permissions come to light. HEAD is never used: its answer has no body, and so not the reason of a refusal.
 * @param wasRead something could be read there before, by another phase
 */
export function openS3(target: S3Target, means: S3Means, wasRead = false): S3Store {
	const { bucket, prefix, place: label, storageClass } = target;
	const connection = openConnection(target, means);
	let mayRead = wasRead;

	const nullIfAbsent = async <T>(attempt: Promise<T>): Promise<T | null> => {
		try {
			const found = await attempt;
			mayRead = true;
			return found;
		} catch (error) {
			const answer = answerIn(isCacheError(error) ? error.cause : error);
			if (answer === null || !(isAbsent(answer) || (mayRead && answer.code === 'AccessDenied'))) throw error;
			return null;
		}
	};
	const read = (key: string, range: string | null, limitBytes: number | null, signal: AbortSignal) => {
		const headers: Record<string, string> = range === null ? {} : { range };
		return connection.request(`GET ${label}/${key}`, { method: 'GET', key: prefix + key, headers, limitBytes }, signal);
	};

	const size = async (key: string, signal: AbortSignal): Promise<number | null> => {
		try {
			const found = await nullIfAbsent(read(key, 'bytes=0-0', 0, signal));
			if (found === null) return null;
			return sizeIn(found);
		} catch (error) {
			// There is no first byte.
			if (statusOf(error) === 416) return 0;
			throw error;
		}
	};

	return {
		label,
		size,
		async get(key, limitBytes, signal) {
			const found = await nullIfAbsent(read(key, null, limitBytes, signal));
			return found?.bytes ?? null;
		},
		async put(key, body, contentType, signal) {
			const object = {
				Bucket: bucket,
				Key: prefix + key,
				ContentType: contentType,
				...(storageClass === null ? {} : { StorageClass: storageClass }),
			};
			if (body.sizeBytes > ONE_PUT_BYTES) return uploadInParts(connection, { object, body, label: `${label}/${key}` }, signal);
			const headers = {
				'content-type': contentType,
				...(storageClass === null ? {} : { 'x-amz-storage-class': storageClass }),
			};
			const request = { method: 'PUT', key: object.Key, headers, body, limitBytes: ANSWER_BYTES } as const;
			await connection.request(`PUT ${label}/${key}`, request, signal);
		},
		async open(key, range, signal): Promise<NarBytes | UnmeasuredNar | null> {
			try {
				const wanted = range === null ? null : `bytes=${range.start}-${range.end}`;
				const found = await nullIfAbsent(read(key, wanted, null, signal));
				return found === null ? null : bytesOf(found, range, `GET ${label}/${key}`);
			} catch (error) {
				if (range === null || statusOf(error) !== 416) throw error;
				const totalBytes = await size(key, signal);
				return totalBytes === null ? null : { totalBytes, range, stream: Readable.from([], { objectMode: false }) };
			}
		},
		async isPublic(key, signal) {
			const url = new URL(target.substituter);
			url.pathname += `${url.pathname.endsWith('/') ? '' : '/'}${key}`;
			url.search = '';
			try {
				const accept = [200, 400, 401, 403, 404];
				return (await means.client.request({ method: 'GET', url, accept, limitBytes: 0, signal })).status === 200;
			} catch (error) {
				if (signal.aborted || !isCacheError(error)) throw error;
				means.log.debug(`Asking ${label} as anybody: ${error.message}`);
				return false;
			}
		},
		async whyNoPut(signal) {
			const key = prefix + PROBE_KEY;
			const headers = { 'content-md5': createHash('md5').update('something else').digest('base64') };
			const request = { method: 'PUT', key, headers, body: bodyOfText('something'), limitBytes: ANSWER_BYTES } as const;
			try {
				await connection.request(`PUT ${label}/${PROBE_KEY}`, request, signal);
			} catch (error) {
				if (signal.aborted || !isCacheError(error)) throw error;
				return isCacheError(error, 'cache-forbidden', 'cache-unauthorized', 'cache-read-only', 'cache-not-found') ? error : null;
			}
			// A server that does not look at the MD5 has it now.
			const removal = { method: 'DELETE', key, limitBytes: ANSWER_BYTES } as const;
			await connection.request(`DELETE ${label}/${PROBE_KEY}`, removal, signal).catch((error: unknown) => {
				means.log.debug(`${label}/${PROBE_KEY} stays there: ${describeError(error)}`);
			});
			return null;
		},
		hasKeys: (signal) => connection.hasKeys(signal),
		close: async () => connection.close(),
	};
}

/** -1 when the server does not tell. */
function sizeIn(answer: HttpAnswer): number {
	const total = /\/(\d{1,15})$/.exec(answer.header('content-range') ?? '')?.[1] ?? answer.header('content-length');
	return total !== null && /^\d{1,15}$/.test(total) ? Number(total) : -1;
}

function statusOf(error: unknown): number | null {
	return isCacheError(error) ? (answerIn(error.cause)?.status ?? null) : null;
}
