/** What came in: for assertions on the number of requests and bytes. */
import type { BlobOperation, ServiceOperation } from './faults.ts';

export interface Counters {
	/** Requests to the service itself, without those to blobs. */
	readonly requests: number;
	readonly lookups: number;
	readonly creations: number;
	readonly finalizations: number;
	/** v1 only: parts of archives. */
	readonly chunks: number;
	readonly blobReads: number;
	readonly blobHeads: number;
	readonly blobWrites: number;
	/** Bytes of blobs that went out. */
	readonly bytesRead: number;
	/** Bytes of blobs that came in. */
	readonly bytesWritten: number;
}

/** One request, for tests that care about order or keys. */
export interface Call {
	readonly operation: ServiceOperation | BlobOperation;
	/** The key or the blob's name. */
	readonly name: string | null;
	/** The header `Range`, of reads of blobs. */
	readonly range: string | null;
}

export interface Traffic {
	called(operation: ServiceOperation, key: string | null): void;
	calledBlob(operation: BlobOperation, blob: string, range: string | null): void;
	read(bytes: number): void;
	wrote(bytes: number): void;
	/** Since the start or the last `reset`. */
	counters(): Counters;
	calls(): readonly Call[];
	reset(): void;
}

export function createTraffic(): Traffic {
	let calls: Call[] = [];
	let bytesRead = 0;
	let bytesWritten = 0;
	const count = (operation: Call['operation']): number => calls.filter((call) => call.operation === operation).length;
	return {
		called: (operation, key) => void calls.push({ operation, name: key, range: null }),
		calledBlob: (operation, blob, range) => void calls.push({ operation, name: blob, range }),
		read(bytes) {
			bytesRead += bytes;
		},
		wrote(bytes) {
			bytesWritten += bytes;
		},
		counters() {
			const service = {
				lookups: count('lookup'),
				creations: count('create'),
				finalizations: count('finalize'),
				chunks: count('chunk'),
			};
			return {
				...service,
				requests: service.lookups + service.creations + service.finalizations + service.chunks,
				blobReads: count('blob-get'),
				blobHeads: count('blob-head'),
				blobWrites: count('blob-put'),
				bytesRead,
				bytesWritten,
			};
		},
		calls: () => [...calls],
		reset() {
			calls = [];
			bytesRead = 0;
			bytesWritten = 0;
		},
	};
}
