import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { Compression, NarSource, PackedNar } from '../../../src/backends/backend.ts';
import { bodyOfBytes } from '../../../src/bodies/in-memory.ts';
import { CacheError } from '../../../src/errors.ts';
import { encodeBase32 } from '../../../src/nix/base32.ts';
import { contentAddressPath } from '../../../src/nix/content-address.ts';
import type { Hash } from '../../../src/nix/hash.ts';
import { NAR_MAGIC, regularEnd, regularStart } from '../../../src/nix/nar.ts';
import type { PathInfo } from '../../../src/nix/path-info.ts';

export const STORE_DIR = '/nix/store';

/** A store path that is in no store: what Nix would say of it, and its NAR (one regular file). */
export interface TestPath {
	readonly info: PathInfo;
	readonly nar: Uint8Array;
}

export function sha256(bytes: Uint8Array | string): Hash {
	return { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() };
}

/** A path with a name and contents of one's own choice; `info` overrides what follows from them. */
export function pathOf(name: string, contents: Uint8Array | string = name, info: Partial<PathInfo> = {}): TestPath {
	const bytes = Buffer.from(contents);
	const nar = Buffer.concat([NAR_MAGIC, regularStart(false, bytes.length), bytes, regularEnd(bytes.length)]);
	const hashPart = encodeBase32(sha256(name).digest.subarray(0, 20));
	return {
		nar,
		info: {
			path: `${STORE_DIR}/${hashPart}-${name}`,
			narHash: sha256(nar),
			narSizeBytes: nar.length,
			references: [],
			deriver: null,
			signatures: [],
			ca: null,
			ultimate: true,
			...info,
		},
	};
}

/** A content-addressed path, as `nix store add-path` makes it. */
export function contentAddressed(name: string): TestPath {
	const { nar, info } = pathOf(name);
	const path = contentAddressPath({ method: 'recursive', hash: info.narHash }, name, [], false, STORE_DIR);
	return { nar, info: { ...info, path, ca: `fixed:r:sha256:${encodeBase32(info.narHash.digest)}` } };
}

/** What the packer would hand out, and how often it was asked and given back. */
export interface CountingSource extends NarSource {
	packs: number;
	disposals: number;
}

export function sourceOf(
	{ info, nar }: TestPath,
	compression: Compression = 'zstd',
	failure: CacheError | null = null,
): CountingSource {
	const source: CountingSource = {
		packs: 0,
		disposals: 0,
		async *raw() {
			if (failure !== null) throw failure;
			yield nar;
		},
		async *chunks(isKnown) {
			if (failure !== null) throw failure;
			const id = sha256(nar).digest;
			const frame = isKnown(id) ? null : zstdCompressSync(nar);
			yield { id, narBytes: nar.length, frame, frameHash: frame && sha256(frame).digest.subarray(0, 16) };
		},
		async packed(): Promise<PackedNar> {
			source.packs++;
			await new Promise((resolve) => setImmediate(resolve));
			if (failure !== null) throw failure;
			const bytes = compression === 'zstd' ? zstdCompressSync(nar) : nar;
			return {
				compression,
				fileHash: sha256(bytes),
				body: bodyOfBytes(bytes),
				async dispose() {
					source.disposals++;
				},
			};
		},
	};
	if (info.narSizeBytes !== nar.length) throw new CacheError('internal', 'The size of the NAR is wrong.');
	return source;
}
