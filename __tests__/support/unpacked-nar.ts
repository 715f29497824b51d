/** What a server of the tests checks about a NAR that it was given. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { encodeBase32 } from '../../src/nix/base32.ts';

/** What is wrong with a packed NAR, `null` when it is the one that was promised. `hash`: `sha256:<nix32>`. */
export function packedNarProblem(packed: Buffer, compression: 'zst' | 'xz', hash: string, sizeBytes: number): string | null {
	let nar: Buffer;
	try {
		nar =
			compression === 'zst'
				? zstdDecompressSync(packed)
				: execFileSync('xz', ['--decompress', '--stdout'], { input: packed, maxBuffer: 2 ** 30 });
	} catch {
		return `the NAR is no ${compression}`;
	}
	if (nar.length !== sizeBytes) return `the NAR has ${nar.length} bytes in place of ${sizeBytes}`;
	const actual = `sha256:${encodeBase32(createHash('sha256').update(nar).digest())}`;
	return actual === hash ? null : `the NAR has hash ${actual} in place of ${hash}`;
}
