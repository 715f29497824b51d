import { createHash, hash as hashOf } from 'node:crypto';
import { CacheError } from '../errors.ts';
import { equalHash, formatHash, type Hash } from '../nix/hash.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A SHA-256 that grows. */
export interface Digester {
	/** Resolves when `bytes` may be overwritten. Calls need not wait for each other. */
	update(bytes: Uint8Array): Promise<void>;
	/** Ends it, also when the result is of no interest. */
	digest(): Promise<Uint8Array>;
}

export function digestHere(): Digester {
	const hash = createHash('sha256');
	return {
		async update(bytes) {
			hash.update(bytes);
		},
		digest: async () => hash.digest(),
	};
}

let lastStream = 0;

/** Hashes on the one thread of `pool`. `bytes` have to lie in shared memory. */
export function digestOnThread(pool: WorkerPool): Digester {
	const stream = ++lastStream;
	let offsetBytes = 0;
	return {
		async update(bytes) {
			const task = { kind: 'hash', stream, offsetBytes, frame: bytes } as const;
			offsetBytes += bytes.length;
			await pool.run(task);
		},
		digest: () => pool.run({ kind: 'digest', stream, offsetBytes }),
	};
}

/** Compares a NAR that flows by with what Nix recorded (invariant I2). */
export interface NarCheck {
	/** Like `Digester.update`; throws `path-corrupt` as soon as there are more bytes than recorded. */
	update(bytes: Uint8Array): Promise<void>;
	/** Throws `path-corrupt` unless size and hash are the recorded ones. */
	verify(): Promise<void>;
	/** After a failure: lets go of the hash. */
	drop(): void;
}

export function checkNar(info: PathInfo, digester: Digester): NarCheck {
	let sizeBytes = 0;
	let ended = false;
	const digest = (): Promise<Uint8Array> => {
		ended = true;
		return digester.digest();
	};
	return {
		async update(bytes) {
			sizeBytes += bytes.length;
			if (sizeBytes > info.narSizeBytes) throw longerThanRecorded(info);
			await digester.update(bytes);
		},
		verify: async () => refuseOther(info, sizeBytes, await digest()),
		drop() {
			if (!ended) digest().catch(() => {});
		},
	};
}

/** What Nix recorded of a NAR. */
type Recorded = Pick<PathInfo, 'path' | 'narHash' | 'narSizeBytes'>;

/** A NAR that is in memory, compared in the same way and given back. Of one that is too long, not all need be there. */
export function checkedNar(info: Recorded, bytes: Uint8Array): Uint8Array {
	if (bytes.length > info.narSizeBytes) throw longerThanRecorded(info);
	refuseOther(info, bytes.length, hashOf('sha256', bytes, 'buffer'));
	return bytes;
}

/** Throws `path-corrupt` unless a NAR of this size, with this SHA-256, is the recorded one. */
function refuseOther(info: Recorded, sizeBytes: number, digest: Uint8Array): void {
	const { narSizeBytes, narHash } = info;
	if (sizeBytes !== narSizeBytes) throw corrupt(info, `has ${sizeBytes} bytes in place of the recorded ${narSizeBytes}`);
	const found: Hash = { algorithm: 'sha256', digest };
	if (equalHash(found, narHash)) return;
	throw corrupt(info, `has the hash ${formatHash(found, 'nix32')} in place of the recorded ${formatHash(narHash, 'nix32')}`);
}

function longerThanRecorded(info: Recorded): CacheError {
	return corrupt(info, `is larger than the recorded ${info.narSizeBytes} bytes`);
}

function corrupt(info: Recorded, problem: string): CacheError {
	return new CacheError('path-corrupt', `${info.path} was changed after it was built: its NAR ${problem}.`, {
		hint: `\`nix-store --verify-path ${info.path}\` checks it, \`nix-store --repair-path ${info.path}\` fetches or builds it anew.`,
	});
}
