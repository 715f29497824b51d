/** What must be true of a cache's files at every moment (invariants I1 and I2), checked on the files themselves. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { formatHash } from '../../src/nix/hash.ts';
import { type NarInfo, parseNarInfo } from '../../src/nix/narinfo.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';

export interface InvariantOptions {
	/** Store paths that readers find elsewhere. */
	readonly upstream?: ReadonlySet<string>;
	readonly storeDir?: string;
}

/** The narinfos of a cache in a folder. Throws, naming all that is wrong, when one can't be read by Nix or has a hole under it. */
export function checkCache(
	folder: string,
	{ upstream = new Set(), storeDir = '/nix/store' }: InvariantOptions = {},
): readonly NarInfo[] {
	const problems: string[] = [];
	const infos = readdirSync(folder)
		.filter((name) => name.endsWith('.narinfo'))
		.flatMap((name) => {
			try {
				return [parseNarInfo(readFileSync(join(folder, name), 'utf8'), { storeDir, expectedHashPart: name.slice(0, 32) })];
			} catch (error) {
				problems.push(`${name}: ${error instanceof Error ? error.message : error}`);
				return [];
			}
		});
	for (const info of infos) {
		const missing = info.references.filter(
			(path) => !upstream.has(path) && !existsSync(join(folder, `${hashPartOf(path)}.narinfo`)),
		);
		if (missing.length > 0) problems.push(`${info.storePath}: refers to ${missing.join(', ')}, not there`);
		const problem = narProblem(folder, info);
		if (problem !== null) problems.push(`${info.storePath}: ${problem}`);
	}
	if (problems.length > 0) throw new Error(`the cache in ${folder} is not whole:\n${problems.join('\n')}`);
	return infos;
}

function narProblem(folder: string, info: NarInfo): string | null {
	const file = join(folder, info.url);
	if (!existsSync(file)) return `its NAR ${info.url} is not there`;
	try {
		const nar = unpack(readFileSync(file), info.compression);
		const hash = formatHash({ algorithm: 'sha256', digest: createHash('sha256').update(nar).digest() }, 'nix32');
		return hash === formatHash(info.narHash, 'nix32') && nar.length === info.narSizeBytes ? null : 'its NAR has another hash';
	} catch (error) {
		return `its NAR can't be unpacked: ${error instanceof Error ? error.message : error}`;
	}
}

function unpack(bytes: Buffer, compression: string): Buffer {
	switch (compression) {
		case 'zstd':
			return zstdDecompressSync(bytes);
		case 'gzip':
			return gunzipSync(bytes);
		case 'br':
			return brotliDecompressSync(bytes);
		case 'xz':
			return execFileSync('xz', ['--decompress', '--stdout'], { input: bytes, maxBuffer: 2 ** 30 });
		case 'none':
			return bytes;
		default:
			throw new Error(`the compression ${compression} is not one of the action's`);
	}
}
