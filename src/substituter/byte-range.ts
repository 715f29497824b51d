import type { ByteRange } from '../backends/path-reader.ts';

/**
 * The one range that a `Range` header asks for: `bytes=a-b` or `bytes=a-`, whose end is then `Number.MAX_SAFE_INTEGER`. `null`: answer with the whole. That is
 * allowed for whatever a server does not care to understand (RFC 9110, section 14.2): several ranges, the last bytes, other units, an end before the start.
 */
export function parseRange(header: string | undefined): ByteRange | null {
	const match = /^bytes=(\d{1,15})-(\d{0,15})$/i.exec(header?.replaceAll(/[ \t]/g, '') ?? '');
	if (match === null) return null;
	const start = Number(match[1]);
	const end = match[2] === '' ? Number.MAX_SAFE_INTEGER : Number(match[2]);
	return end < start ? null : { start, end };
}
