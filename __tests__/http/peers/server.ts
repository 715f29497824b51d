import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';

/** One request as it arrived. */
interface Received {
	readonly method: string;
	/** Path and query. */
	readonly path: string;
	readonly headers: IncomingMessage['headers'];
}

export interface Peer {
	readonly url: URL;
	/** In the order of arrival. */
	readonly received: readonly Received[];
	/** TCP connections that were opened so far. */
	connections(): number;
	close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server on 127.0.0.1 that answers as `handler` says. A handler that throws ends the connection. */
export async function startServer(handler: Handler, tls?: { readonly key: string; readonly cert: string }): Promise<Peer> {
	const received: Received[] = [];
	const sockets = new Set<Socket>();
	let connections = 0;
	const listener = (request: IncomingMessage, response: ServerResponse) => {
		received.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
		Promise.resolve()
			.then(() => handler(request, response))
			.catch(() => request.socket.destroy());
	};
	const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
	server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
		connections++;
		sockets.add(socket);
		socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	return {
		url: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}/`),
		received,
		connections: () => connections,
		async close() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
	const parts: Buffer[] = [];
	for await (const part of request) parts.push(part);
	return Buffer.concat(parts);
}

/** A port on 127.0.0.1 where nothing listens. */
export async function closedPort(): Promise<number> {
	const peer = await startServer(() => undefined);
	await peer.close();
	return Number(peer.url.port);
}
