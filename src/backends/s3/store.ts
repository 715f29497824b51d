import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Target } from '../../cache-target/s3.ts';
import { isCacheError } from '../../errors.ts';
import type { HttpAnswer, HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import type { ObjectReader } from '../object-reader.ts';
import type { ObjectBody, ObjectStore } from '../object-store.ts';
import type { NarBytes } from '../path-reader.ts';
import { bytesOf } from '../ranged-answer.ts';
import { openConnection } from './connection.ts';
import { answerIn, isAbsent } from './failure.ts';
import { ANSWER_BYTES, uploadInParts } from './multipart.ts';
import { CarriedBody } from './transport.ts';

export interface S3Means {
	/** Stays open when the store is closed. */
	readonly client: HttpClient;
	readonly log: Log;
}

/** A bucket, for those who write and for those who read. */
export interface S3Store extends ObjectStore, ObjectReader {
	/** Whether everybody, and so Nix without credentials, can read `key` by the bucket's plain URL. */
	isPublic(key: string, signal: AbortSignal): Promise<boolean>;
	/** Whether the job has keys for it. Throws `cache-unauthorized` when something names some that can't be had. */
	hasKeys(signal: AbortSignal): Promise<boolean>;
}

/** What is larger goes up in parts: a line that breaks then costs a part and not the whole. One request could bring 5 GiB. */
const ONE_PUT_BYTES = 64 * 1024 * 1024;
/** What is larger is not hashed for the signature, which would hold up everything else (220 MB/s). */
const HASHED_BYTES = 256 * 1024;

/**
 * A bucket of Amazon S3, or of a server that speaks its protocol.
 *
 * Who may not list a bucket is told `AccessDenied` of what is not there. So once something could be read, that means "not there", as it does for Nix; `check`
 * reads `nix-cache-info` first, where missing permissions come to light. HEAD is never used: its answer has no body, and so not the reason of a refusal.
 */
export function openS3(target: S3Target, means: S3Means): S3Store {
	const { bucket, prefix, place: label, storageClass } = target;
	const connection = openConnection(target, means);
	let mayRead = false;

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
	const read = (key: string, range: string | null, limitBytes: number | null, signal: AbortSignal) =>
		connection.ask(`GET ${label}/${key}`, limitBytes, signal, (s3, sending) =>
			s3.send(new GetObjectCommand({ Bucket: bucket, Key: prefix + key, ...(range === null ? {} : { Range: range }) }), sending),
		);

	const size = async (key: string, signal: AbortSignal): Promise<number | null> => {
		try {
			const found = await nullIfAbsent(read(key, 'bytes=0-0', 0, signal));
			if (found === null) return null;
			return sizeIn(found.ContentRange) ?? found.ContentLength ?? -1;
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
			return found === null ? null : ((await found.Body?.transformToByteArray()) ?? new Uint8Array());
		},
		async put(key, body, contentType, signal) {
			const object = {
				Bucket: bucket,
				Key: prefix + key,
				ContentType: contentType,
				...(storageClass === null ? {} : { StorageClass: storageClass }),
			};
			if (body.sizeBytes > ONE_PUT_BYTES) return uploadInParts(connection, { object, body, label: `${label}/${key}` }, signal);
			await connection.ask(`PUT ${label}/${key}`, ANSWER_BYTES, signal, (s3, sending) =>
				s3.send(new PutObjectCommand({ ...object, Body: sdkBody(body), ContentLength: body.sizeBytes }), sending),
			);
		},
		async open(key, range, signal): Promise<NarBytes | null> {
			try {
				const wanted = range === null ? null : `bytes=${range.start}-${range.end}`;
				const found = await nullIfAbsent(read(key, wanted, null, signal));
				return found === null ? null : bytesOf(answerOf(found), range, `GET ${label}/${key}`);
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
		hasKeys: (signal) => connection.hasKeys(signal),
		close: async () => connection.close(),
	};
}

function sdkBody(body: ObjectBody): Uint8Array | CarriedBody {
	return body.bytes !== null && body.sizeBytes <= HASHED_BYTES ? body.bytes : new CarriedBody(body);
}

/** The SDK takes an answer apart; `bytesOf` reads the same of it. */
function answerOf({ Body, ContentLength, ContentRange, ContentEncoding }: GetObjectCommandOutput): HttpAnswer {
	const headers = {
		...(ContentLength === undefined ? {} : { 'content-length': `${ContentLength}` }),
		...(ContentRange === undefined ? {} : { 'content-range': ContentRange }),
		...(ContentEncoding === undefined ? {} : { 'content-encoding': ContentEncoding }),
	};
	const all: Readonly<Record<string, string>> = headers;
	return {
		status: ContentRange === undefined ? 200 : 206,
		header: (name) => all[name] ?? null,
		headers: () => headers,
		bytes: new Uint8Array(),
		stream: Body instanceof Readable ? Body : null,
	};
}

function sizeIn(contentRange: string | undefined): number | null {
	const total = /\/(\d{1,15})$/.exec(contentRange ?? '')?.[1];
	return total === undefined ? null : Number(total);
}

function statusOf(error: unknown): number | null {
	return isCacheError(error) ? (answerIn(error.cause)?.status ?? null) : null;
}
