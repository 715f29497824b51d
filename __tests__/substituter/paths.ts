import { createHash } from 'node:crypto';
import { encodeBase32 } from '../../src/nix/base32.ts';
import type { NarInfo } from '../../src/nix/narinfo.ts';
import type { StoredNar } from './memory-reader.ts';

export const STORE_DIR = '/nix/store';

/** Bytes that are the same for the same seed and nowhere the same twice. */
export function someBytes(sizeBytes: number, seed: string): Buffer {
	const blocks: Buffer[] = [];
	for (let done = 0; done < sizeBytes; done += 32) blocks.push(createHash('sha256').update(`${seed} ${done}`).digest());
	return Buffer.concat(blocks).subarray(0, sizeBytes);
}

/** The hash part of the path that `storedNar` makes of this name. */
export function hashPart(name: string): string {
	return encodeBase32(createHash('sha256').update(name).digest().subarray(0, 20));
}

/** A path of this name whose stored NAR is `nar` (what a NAR is does not matter to a substituter). */
export function storedNar(name: string, nar: Uint8Array, changes: Partial<NarInfo> = {}): StoredNar {
	const digest = new Uint8Array(createHash('sha256').update(nar).digest());
	const info: NarInfo = {
		storePath: `${STORE_DIR}/${hashPart(name)}-${name}`,
		url: `nar/${name}.nar.zst`,
		compression: 'zstd',
		fileHash: { algorithm: 'sha256', digest },
		fileSizeBytes: nar.length,
		narHash: { algorithm: 'sha256', digest },
		narSizeBytes: nar.length * 2,
		references: [],
		deriver: null,
		signatures: [],
		ca: null,
		...changes,
	};
	return { info, nar };
}
