import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import type { DivisibleBody } from '../../bodies/body.ts';
import type { StorageClass } from '../../cache-target/s3.ts';
import { CacheError, isCacheError } from '../../errors.ts';
import { visitInFlight } from '../in-flight.ts';
import type { S3Connection } from './connection.ts';
import { answerIn } from './failure.ts';
import { ANSWER_BYTES } from './transport.ts';

/** An object on its way up. */
export interface Upload {
	/** What the SDK needs to know of it. */
	readonly object: {
		readonly Bucket: string;
		readonly Key: string;
		readonly ContentType: string;
		readonly StorageClass?: StorageClass;
	};
	readonly body: DivisibleBody;
	/** For messages. */
	readonly label: string;
}

const PART_BYTES = 16 * 1024 * 1024;
/** S3's limit. From 160 GB on, parts are larger than `PART_BYTES`. */
const MOST_PARTS = 10_000;
/** Of one upload. */
const PARTS_AT_A_TIME = 4;
/** How long a failed upload may take to be taken back. */
const ABORT_MS = 10_000;

/**
 * Uploads an object in parts of one size, some side by side, each read from the body as it goes. A server that took all parts and then misses some gets them
 * once more, one after another: one of Ceph's stores loses parts that come side by side, from other clients too. Nothing is to be seen of the object before its upload is
 * complete. What a killed job leaves behind is for a lifecycle rule of the bucket (`AbortIncompleteMultipartUpload`).
 * Source: Amazon S3 user guide, "Multipart upload limits"; R2 wants all parts but the last of one size.
 */
export async function uploadInParts(connection: S3Connection, upload: Upload, signal: AbortSignal): Promise<void> {
	try {
		await uploadOnce(connection, upload, PARTS_AT_A_TIME, signal);
	} catch (error) {
		if (answerIn(isCacheError(error) ? error.cause : error)?.code !== 'InvalidPart') throw error;
		await uploadOnce(connection, upload, 1, signal);
	}
}

async function uploadOnce(connection: S3Connection, upload: Upload, atATime: number, signal: AbortSignal): Promise<void> {
	const { object, label } = upload;
	const { UploadId: id } = await connection.command(`POST ${label}?uploads`, signal, (s3, sending) =>
		s3.send(new CreateMultipartUploadCommand(object), sending),
	);
	if (id === undefined)
		throw new CacheError('cache-invalid', `An upload of ${label} was begun, and the answer does not name it.`);
	const place = { Bucket: object.Bucket, Key: object.Key, UploadId: id };
	try {
		const tags = await putParts(connection, upload, place, atATime, signal);
		const Parts = tags.map((ETag, index) => ({ PartNumber: index + 1, ETag }));
		await connection.command(`POST ${label}?uploadId=…`, signal, (s3, sending) =>
			s3.send(new CompleteMultipartUploadCommand({ ...place, MultipartUpload: { Parts } }), sending),
		);
	} catch (error) {
		// With a signal of its own: the upload may have been cancelled. What fails here is nothing that its end was not.
		await connection
			.command(`DELETE ${label}?uploadId=…`, AbortSignal.timeout(ABORT_MS), (s3, sending) =>
				s3.send(new AbortMultipartUploadCommand(place), sending),
			)
			.catch(() => undefined);
		throw error;
	}
}

interface Place {
	readonly Bucket: string;
	readonly Key: string;
	readonly UploadId: string;
}

/** Answers with the tag of each part, in their order. */
async function putParts(
	connection: S3Connection,
	{ body, label }: Upload,
	{ Key, UploadId }: Place,
	atATime: number,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const partBytes = Math.max(PART_BYTES, Math.ceil(body.sizeBytes / MOST_PARTS));
	const numbers = Array.from({ length: Math.ceil(body.sizeBytes / partBytes) }, (_, index) => index + 1);
	const tags: string[] = [];
	await visitInFlight(numbers, atATime, signal, async (number, either) => {
		const part = body.part((number - 1) * partBytes, Math.min(number * partBytes, body.sizeBytes));
		const query = { partNumber: `${number}`, uploadId: UploadId };
		const request = { method: 'PUT', key: Key, query, body: part, limitBytes: ANSWER_BYTES } as const;
		const ETag = (await connection.request(`PUT part ${number} of ${label}`, request, either)).header('etag');
		if (ETag === null) throw new CacheError('cache-invalid', `Part ${number} of ${label} was answered without an ETag.`);
		tags[number - 1] = ETag;
	});
	return tags;
}
