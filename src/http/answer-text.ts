import type { Credentials } from '../cache-target/credentials.ts';
import { withoutCredentials } from './credentials.ts';

const LONGEST = 200;

/**
 * The one line that a server's answer has to say, for an error message: the message inside of JSON (Artifactory, Nexus, attic), the
 * title of an HTML page (nginx, proxies), or the first line of plain text. '' when there is nothing readable. Without the credentials that it may be echoing, also where
 * it is cut.
 */
export function answerLine(contentType: string, bytes: Uint8Array, credentials: Credentials | null): string {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
	// A binary answer (a NAR, an image) has nothing to say.
	if (text.includes('\0') || text.includes('\ufffd')) return '';
	const said = contentType.includes('json') || /^\s*[{[]/.test(text) ? jsonMessage(text) : null;
	const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
	const xmlMessage = /<message>([^<]*)<\/message>/i.exec(text)?.[1];
	const line = said ?? xmlMessage ?? title ?? (/^\s*</.test(text) ? '' : text.trimStart().split('\n', 1)[0]) ?? '';
	const clean = withoutCredentials(line.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim(), credentials);
	return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}…` : clean;
}

/** The first text under a key that servers use for it, at any depth; `null` when there is none. */
function jsonMessage(text: string): string | null {
	try {
		return messageIn(JSON.parse(text), 0);
	} catch {
		return null;
	}
}

const KEYS = ['message', 'error_description', 'detail', 'error', 'errors'] as const;

function messageIn(value: unknown, depth: number): string | null {
	if (typeof value === 'string' && depth > 0) return value;
	if (typeof value !== 'object' || value === null || depth > 4) return null;
	if (Array.isArray(value)) return messageIn(value[0], depth + 1);
	const found = KEYS.map((key) => messageIn(Reflect.get(value, key), depth + 1));
	return found.find((message) => message !== null) ?? null;
}
