import type { ObjectBody } from '../../bodies/body.ts';
import { digestText } from '../../nix/hash.ts';
import { baseNameOf, hashPartOf } from '../../nix/store-path.ts';
import type { NarSource } from '../backend.ts';
import type { PublishableInfo } from '../published-narinfo.ts';

/** One upload: what the server is to know of the path, and the NAR behind it. */
export interface Upload {
	/** How many of the body's first bytes are the description. */
	readonly preambleBytes: number;
	readonly body: ObjectBody;
}

/**
 * The body of `PUT _api/v1/upload-path`: a description in JSON, then the NAR as it is, uncompressed (the server cuts, compresses and checks it). The
 * description may stand in a header as well, but long lists of references do not fit there. Each stream reads the NAR anew; one that
 * turns out to be corrupt ends before its last bytes, and so does the request, so that the server has nothing to keep.
 * Source: attic/attic/src/api/v1/upload_path.rs.
 */
export function uploadOf(cache: string, path: PublishableInfo, nar: NarSource, signal: AbortSignal): Upload {
	const preamble = Buffer.from(describePath(cache, path), 'utf8');
	async function* parts(): AsyncGenerator<Uint8Array> {
		yield preamble;
		yield* nar.raw(signal);
	}
	return {
		preambleBytes: preamble.length,
		body: {
			sizeBytes: preamble.length + path.narSizeBytes,
			bytes: null,
			stream: parts,
		},
	};
}

/** References in the order that Nix signs them in: the server signs them as they are sent. */
function describePath(cache: string, path: PublishableInfo): string {
	return JSON.stringify({
		cache,
		store_path_hash: hashPartOf(path.storePath),
		store_path: path.storePath,
		references: [...new Set(path.references)].sort().map(baseNameOf),
		system: null,
		deriver: path.deriver === null ? null : baseNameOf(path.deriver),
		sigs: path.signatures,
		ca: path.ca,
		nar_hash: `sha256:${digestText(path.narHash, 'hex')}`,
		nar_size: path.narSizeBytes,
	});
}
