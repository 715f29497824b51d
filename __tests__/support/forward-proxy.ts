/**
 * An HTTP proxy as companies have them: forwards whole URLs for http, tunnels (CONNECT) for https, may want Basic credentials, and knows names that nobody
 * else does. Everything is written down.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ForwardProxy extends AsyncDisposable {
	readonly port: number;
	/** `METHOD http://host:port/path` and `CONNECT host:port`, those that were let through. */
	readonly requests: readonly string[];
	/** Connections are refused from now on. */
	readonly stop: () => Promise<void>;
}

export interface ForwardProxyOptions {
	/** `user:password` that everyone must show. */
	readonly credentials?: string;
	/** Names that only this proxy can look up. */
	readonly hosts?: Readonly<Record<string, string>>;
}

export async function startForwardProxy({ credentials, hosts = {} }: ForwardProxyOptions = {}): Promise<ForwardProxy> {
	const requests: string[] = [];
	const sockets = new Set<Duplex>();
	const expected = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
	const isLetIn = ({ headers }: IncomingMessage): boolean =>
		expected === undefined || headers['proxy-authorization'] === expected;

	const forward = (request: IncomingMessage, response: ServerResponse): void => {
		if (!isLetIn(request)) return void response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
		const url = new URL(request.url ?? '');
		requests.push(`${request.method} ${url.href}`);
		const { 'proxy-authorization': _, ...headers } = request.headers;
		const host = hosts[url.hostname] ?? url.hostname;
		const onward = send({ host, port: url.port || 80, method: request.method, path: `${url.pathname}${url.search}`, headers });
		onward.once('response', (answer) => {
			response.writeHead(answer.statusCode ?? 502, answer.headers);
			// What breaks off there breaks off here.
			answer.on('error', () => response.destroy()).pipe(response);
		});
		onward.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
		request.pipe(onward);
	};

	const tunnel = (request: IncomingMessage, client: Duplex): void => {
		sockets.add(client.on('error', () => client.destroy()));
		if (!isLetIn(request)) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
		requests.push(`CONNECT ${request.url}`);
		const [, name = '', port = ''] = /^(.*):(\d+)$/.exec(request.url ?? '') ?? [];
		const upstream: Socket = connect(Number(port), hosts[name] ?? name, () => {
			client.write('HTTP/1.1 200 Connection established\r\n\r\n');
			client.pipe(upstream).pipe(client);
		});
		sockets.add(upstream.on('error', () => client.destroy()));
	};

	const server = createServer(forward).on('connect', tunnel);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
	const stop = async (): Promise<void> => {
		if (!server.listening) return;
		const closed = once(server, 'close');
		server.close();
		server.closeAllConnections();
		for (const socket of sockets) socket.destroy();
		await closed;
	};
	return { port: address.port, requests, stop, [Symbol.asyncDispose]: stop };
}
