/** What goes wrong on purpose. */

/** One call of a client, whatever the version of the protocol. */
export type ServiceOperation = 'lookup' | 'create' | 'finalize' | 'chunk';
export type BlobOperation = 'blob-get' | 'blob-head' | 'blob-put';
export type Operation = ServiceOperation | BlobOperation;

/** How the service refuses; also what it says by itself when there is a reason. */
export type Refusal =
	/** `ok: false`: a miss, or "someone has it", without a word. */
	| 'not-ok'
	| 'already-exists'
	| 'write-denied'
	| 'read-denied'
	/** 429 with `Retry-After`. */
	| 'throttled'
	/** The quota of storage is used up. */
	| 'insufficient-usage'
	| 'unauthenticated'
	| 'invalid-argument'
	/** The route is not there: another version of the service. */
	| 'unimplemented'
	| 'bad-gateway'
	| 'not-json'
	/** The connection breaks before an answer. */
	| 'reset';

export type BlobFault =
	/** As if the time of the signed URL were up: 403. */
	| 'expired'
	/** The answer ends, and the connection with it, after half of the body. */
	| 'truncated'
	/** The same with a reset of the connection. */
	| 'reset'
	/** `Range` is ignored: 200 with the whole blob. */
	| 'whole'
	| 'method-not-allowed'
	/** 503 `ServerBusy`, Azure's way to throttle. */
	| 'busy'
	| 'gone'
	/** 409, for example since two requests change the blob at once. */
	| 'conflict'
	/** Nothing comes, and the connection stays. */
	| 'stalled'
	/** The bytes come, slowly enough that a test can act in the middle. */
	| 'slow';

export type Fault = Refusal | BlobFault;

export interface Injection {
	readonly operation: Operation;
	readonly fault: Fault;
	/** How often it strikes; for ever if not said. */
	readonly times?: number;
	/** How many calls go well before. */
	readonly after?: number;
}

export interface Faults {
	inject(injection: Injection): void;
	clear(): void;
	/** The fault that strikes this call, `null` when none does. Counts the call. */
	strike(operation: Operation): Fault | null;
}

export function createFaults(): Faults {
	let active: { readonly operation: Operation; readonly fault: Fault; left: number; skip: number }[] = [];
	return {
		inject({ operation, fault, times = Number.POSITIVE_INFINITY, after = 0 }) {
			active.push({ operation, fault, left: times, skip: after });
		},
		clear() {
			active = [];
		},
		strike(operation) {
			for (const fault of active) {
				if (fault.operation !== operation || fault.left === 0) continue;
				if (fault.skip > 0) {
					fault.skip--;
					continue;
				}
				fault.left--;
				return fault.fault;
			}
			return null;
		},
	};
}

const BLOB_FAULTS: ReadonlySet<string> = new Set<BlobFault>([
	'expired',
	'truncated',
	'reset',
	'whole',
	'method-not-allowed',
	'busy',
	'gone',
	'conflict',
	'stalled',
	'slow',
]);

export function asBlobFault(fault: Fault | null): BlobFault | null {
	return fault !== null && isBlobFault(fault) ? fault : null;
}

function isBlobFault(fault: Fault): fault is BlobFault {
	return BLOB_FAULTS.has(fault);
}

export function asRefusal(fault: Fault | null): Refusal | null {
	return fault === null || (isBlobFault(fault) && fault !== 'reset') ? null : fault;
}
