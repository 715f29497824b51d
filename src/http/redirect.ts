import { CacheError } from '../errors.ts';
import type { Answer } from './exchange.ts';
import { type Asked, describeRequest, shownUrl } from './failure.ts';

const MAX_REDIRECTS = 5;

/** For a PUT only those that keep the method (RFC 9110, section 15.4): after the others it would arrive as a GET. */
const FOLLOWED = { GET: [301, 302, 303, 307, 308], HEAD: [301, 302, 303, 307, 308], PUT: [307, 308] } as const;

/**
 * Where the answer sends the request, or `null` when it does not.
 * @throws CacheError `cache-invalid`: no usable place, from https to http, too many, or a PUT that would become a GET
 */
export function redirectTarget(answer: Answer, asked: Asked, redirects: number): URL | null {
	const { status } = answer;
	if (status < 301 || status > 308 || (status > 303 && status < 307)) return null;
	const refuse = (why: string, hint?: string): never => {
		throw new CacheError('cache-invalid', `${describeRequest(asked.method, asked.url)} was answered with ${status}, ${why}.`, {
			hint,
		});
	};
	const location = answer.header('location') ?? '';
	const target = location !== '' && URL.canParse(location, asked.url.href) ? new URL(location, asked.url) : null;
	if (target === null || (target.protocol !== 'https:' && target.protocol !== 'http:')) return refuse('a redirect to nowhere');
	const follows: readonly number[] = asked.method === 'PUT' || asked.method === 'POST' ? FOLLOWED.PUT : FOLLOWED.GET;
	if (!follows.includes(status)) {
		return refuse(
			`a redirect to ${shownUrl(target)} that an upload can't follow`,
			'Name the URL that takes uploads in `push-url`.',
		);
	}
	if (asked.url.protocol === 'https:' && target.protocol === 'http:') return refuse('a redirect from https to http');
	if (redirects >= MAX_REDIRECTS) return refuse(`the redirect number ${redirects + 1}`);
	target.username = '';
	target.password = '';
	target.hash = '';
	return target;
}
