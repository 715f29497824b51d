import {
	AbortMultipartUploadCommand,
	CompleteMultipartUploadCommand,
	CreateMultipartUploadCommand,
	UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { StorageClass } from '../../cache-target/s3.ts';
import { CacheError } from '../../errors.ts';
import { partsOf } from '../body-parts.ts';
import { bodyOfBytes } from '../object-body.ts';
import type { ObjectBody } from '../object-store.ts';
import type { S3Connection } from './connection.ts';
import { createPartBuffers } from './part-buffers.ts';
import { CarriedBody } from './transport.ts';

/** An object on its way up. */
export interface Upload {
	/** What the SDK needs to know of it. */
	readonly object: {
		readonly Bucket: string;
		readonly Key: string;
		readonly ContentType: string;
		readonly StorageClass?: StorageClass;
	};
	readonly body: ObjectBody;
	/** For messages. */
	readonly label: string;
}

const PART_BYTES = 8 * 1024 * 1024;
/** S3's limit. From 80 GB on, parts are larger than `PART_BYTES`. */
const MOST_PARTS = 10_000;
/** Parts in memory at a time, of all uploads together: 32 MiB. */
const PARTS_AT_A_TIME = 4;
export const ANSWER_BYTES = 64 * 1024;
/** How long a failed upload may take to be taken back. */
const ABORT_MS = 10_000;

interface Part {
	readonly PartNumber: number;
	readonly ETag: string;
}

/**
 * Uploads bodies in parts of one size, some side by side. Nothing is to be seen of an object before its upload is complete. What a killed job leaves behind is
 * for a lifecycle rule of the bucket (`AbortIncompleteMultipartUpload`).
 * Source: Amazon S3 user guide, "Multipart upload limits"; R2 wants all parts but the last of one size.
 */
export function createMultipart(connection: S3Connection): (upload: Upload, signal: AbortSignal) => Promise<void> {
	const buffers = createPartBuffers(PARTS_AT_A_TIME);

	const putParts = async (upload: Upload, id: string, signal: AbortSignal): Promise<readonly Part[]> => {
		const { object, body, label } = upload;
		const failed = new AbortController();
		const either = AbortSignal.any([signal, failed.signal]);
		const partBytes = Math.max(PART_BYTES, Math.ceil(body.sizeBytes / MOST_PARTS));
		const count = Math.ceil(body.sizeBytes / partBytes);
		let memory: Uint8Array = new Uint8Array();
		const parts = partsOf(body, partBytes, (bytes) => memory.subarray(0, bytes));
		const put = async (bytes: Uint8Array, number: number): Promise<Part> => {
			const { ETag } = await connection.ask(`PUT part ${number} of ${label}`, ANSWER_BYTES, either, (s3, sending) => {
				const place = { ...placeOf(object), UploadId: id, PartNumber: number };
				const Body = new CarriedBody(bodyOfBytes(bytes));
				return s3.send(new UploadPartCommand({ ...place, Body, ContentLength: bytes.length }), sending);
			});
			if (ETag === undefined) throw new CacheError('cache-invalid', `Part ${number} of ${label} was answered without an ETag.`);
			return { PartNumber: number, ETag };
		};
		const sent: Promise<Part>[] = [];
		try {
			for (let number = 1; number <= count; number++) {
				// A part is read when there is memory for it, and not before.
				const buffer = await buffers.take(partBytes, either, `Uploading ${label}`);
				memory = buffer.bytes;
				const { value } = await parts.next().catch((error: unknown) => {
					buffer.release();
					throw error;
				});
				if (value === undefined) throw new CacheError('internal', `The body of ${label} has fewer parts than bytes for them.`);
				const part = put(value, number).finally(buffer.release);
				part.catch((error: unknown) => failed.abort(error));
				sent.push(part);
			}
			return await Promise.all(sent);
		} catch (error) {
			// The first failure is the cause of the others.
			throw failed.signal.aborted ? failed.signal.reason : error;
		} finally {
			await parts.return();
			await Promise.allSettled(sent);
		}
	};

	const abort = async ({ object, label }: Upload, id: string): Promise<void> => {
		await connection
			.ask(`DELETE the upload of ${label}`, ANSWER_BYTES, AbortSignal.timeout(ABORT_MS), (s3, sending) =>
				s3.send(new AbortMultipartUploadCommand({ ...placeOf(object), UploadId: id }), sending),
			)
			.catch(() => undefined);
	};

	return async (upload: Upload, signal: AbortSignal): Promise<void> => {
		const { object, label } = upload;
		const { UploadId: id } = await connection.ask(`POST ${label}?uploads`, ANSWER_BYTES, signal, (s3, sending) =>
			s3.send(new CreateMultipartUploadCommand(object), sending),
		);
		if (id === undefined)
			throw new CacheError('cache-invalid', `An upload of ${label} was begun, and the answer does not name it.`);
		try {
			const Parts = [...(await putParts(upload, id, signal))];
			await connection.ask(`POST ${label}?uploadId=…`, ANSWER_BYTES, signal, (s3, sending) =>
				s3.send(new CompleteMultipartUploadCommand({ ...placeOf(object), UploadId: id, MultipartUpload: { Parts } }), sending),
			);
		} catch (error) {
			await abort(upload, id);
			throw error;
		}
	};
}

function placeOf({ Bucket, Key }: Upload['object']): { readonly Bucket: string; readonly Key: string } {
	return { Bucket, Key };
}
