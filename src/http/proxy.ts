import { BlockList, isIP } from 'node:net';

/** The environment's variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for `url`, or `null` for a direct connection. The rules are curl's, since Nix goes by them and
 * the two should take the same way: lower case before upper case, an empty variable counts as absent, `all_proxy` comes last, and
 * loopback addresses are no exception. Two things are taken that curl leaves: `HTTP_PROXY` in upper case (curl fears CGI scripts),
 * and entries of `no_proxy` with a port.
 * Source: curl/lib/url.c, detect_proxy; curl/lib/noproxy.c; tried with curl 7.88.
 */
export function proxyFor(url: URL, env: Env): URL | null {
	const scheme = url.protocol === 'https:' ? 'https' : 'http';
	const proxy = variable(env, `${scheme}_proxy`) ?? variable(env, 'all_proxy');
	if (proxy === null || isExempt(url, variable(env, 'no_proxy') ?? '')) return null;
	const text = proxy.includes('://') ? proxy : `http://${proxy}`;
	return URL.canParse(text) ? new URL(text) : null;
}

/** The environment of one cache that is reached through a proxy of its own, whatever the job's environment names or exempts. */
export function withProxy(env: Env, proxy: string): Env {
	return { ...env, http_proxy: proxy, https_proxy: proxy, no_proxy: '', NO_PROXY: '' };
}

/** The credentials inside of a proxy's URL. A lone `%` stands for itself, as it does for curl. */
export function proxyUser({ username, password }: URL): { readonly username: string; readonly password: string } {
	return { username: decoded(username), password: decoded(password) };
}

function decoded(text: string): string {
	return text.replace(/(?:%[0-9a-f]{2})+/gi, (octets) => Buffer.from(octets.replaceAll('%', ''), 'hex').toString('utf8'));
}

function variable(env: Env, name: string): string | null {
	return env[name] || env[name.toUpperCase()] || null;
}

function isExempt(url: URL, noProxy: string): boolean {
	if (noProxy.trim() === '*') return true;
	const host = bare(url.hostname);
	const port = url.port || (url.protocol === 'https:' ? '443' : '80');
	return noProxy.split(/[\s,]+/).some((entry) => {
		const [, name = '', entryPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? [null, entry];
		const pattern = bare(name).replace(/^\./, '');
		if (pattern === '' || (entryPort !== undefined && entryPort !== port)) return false;
		if (isAddress(host) && pattern.includes('/')) return isWithin(host, pattern);
		return host === pattern || (!isAddress(host) && host.endsWith(`.${pattern}`));
	});
}

/** Whether an address is in a network (`10.0.0.0/8`). What is no network has nothing in it. */
function isWithin(address: string, network: string): boolean {
	const [, start = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(network) ?? [];
	const family = isIP(start);
	if (family === 0 || family !== isIP(address) || Number(bits) > (family === 4 ? 32 : 128)) return false;
	const list = new BlockList();
	const name = family === 4 ? 'ipv4' : 'ipv6';
	list.addSubnet(start, Number(bits), name);
	return list.check(address, name);
}

/** Lower case, without the brackets of an IPv6 address and the final dot of a complete name. */
function bare(host: string): string {
	return host
		.toLowerCase()
		.replace(/^\[(.*)\]$/, '$1')
		.replace(/\.$/, '');
}

function isAddress(host: string): boolean {
	return host.includes(':') || /^[\d.]+$/.test(host);
}
