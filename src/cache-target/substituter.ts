import { parseHttpUrl, substituterUrl } from './http.ts';
import { type Refusal, withoutUserInfo } from './refusal.ts';

/** One line of the input `substituters`. */
export interface SubstituterLine {
	/** The store URL, with Nix's own parameters (`?priority=N`). */
	readonly url: string;
	/** `http://…`, `https://…`, `socks5://…` or `socks5h://…`: the way to this cache alone, which Nix can't take by itself. `null`: as all others. May hold credentials. */
	readonly proxy: string | null;
}

const PROXIES = /^(https?|socks5h?):$/;

/** Reads `https://host/cache?priority=N&proxy=http://proxy:3128`. The value of `proxy` may be encoded as in any URL. */
export function parseSubstituter(line: string): SubstituterLine | Refusal {
	const url = parseHttpUrl(line, 'substituters');
	if ('problem' in url) return url;
	const [proxy, ...more] = proxiesIn(line);
	if (proxy === undefined) return { url: substituterUrl(url), proxy: null };
	const bare = withoutProxy(line);
	if (more.length > 0) return { problem: `substituters: \`${bare}\` names more than one proxy.` };
	if (!URL.canParse(proxy) || !PROXIES.test(new URL(proxy).protocol) || new URL(proxy).hostname === '') {
		return {
			problem: `substituters: the proxy \`${withoutUserInfo(proxy)}\` of \`${bare}\` is not one; allowed are \`http://host:port\`, \`https://host:port\` and \`socks5://host:port\`.`,
		};
	}
	return { url: substituterUrl(new URL(bare)), proxy };
}

/** Decoded as the parts of a URL are, not as forms: a `+` in a password is one. */
function proxiesIn(line: string): readonly string[] {
	const [, query = ''] = line.split('?', 2);
	const given = query.split('&').filter((parameter) => /^proxy(=|$)/.test(parameter));
	return given.map((parameter) => {
		const value = parameter.slice('proxy='.length);
		try {
			return decodeURIComponent(value);
		} catch {
			return value;
		}
	});
}

/** The line without its proxy: other parameters stay as they were written. */
function withoutProxy(line: string): string {
	const [base = '', query = ''] = line.split('?', 2);
	const kept = query.split('&').filter((parameter) => !/^proxy(=|$)/.test(parameter));
	return kept.length === 0 ? base : `${base}?${kept.join('&')}`;
}
