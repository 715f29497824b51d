/**
 * A TCP proxy that adds a delay each way and does not limit bandwidth: a server on 127.0.0.1 as if it were so many milliseconds away.
 * A connection costs a round trip before its first byte goes through, like the handshake over a real distance.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface DelayProxy extends AsyncDisposable {
	readonly port: number;
	/** `url` with the proxy's port in place of the server's. */
	readonly through: (url: string) => string;
	/** Connections taken so far. */
	readonly connections: () => number;
}

/** In front of `target`, a port of 127.0.0.1, with half of `roundTripMs` each way. */
export async function startDelayProxy(target: number, roundTripMs: number): Promise<DelayProxy> {
	const sockets = new Set<Socket>();
	let connections = 0;
	const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
		connections++;
		const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.once('close', () => sockets.delete(socket));
		}
		client.once('error', () => upstream.destroy());
		upstream.once('error', () => client.destroy());
		client.pause();
		setTimeout(() => delay(client, upstream, roundTripMs / 2), roundTripMs);
		delay(upstream, client, roundTripMs / 2);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
	const { port } = address;
	return {
		port,
		through: (url) => url.replace(`:${target}`, `:${port}`),
		connections: () => connections,
		async [Symbol.asyncDispose]() {
			const closed = once(server, 'close');
			server.close();
			for (const socket of sockets) socket.destroy();
			await closed;
		},
	};
}

/** More than this in flight would mean that the receiver doesn't read: then the sender waits, as with TCP. */
const WINDOW_BYTES = 32 * 1024 * 1024;

/** Sends on what `from` brings, each piece `delayMs` after it came, and its end too. */
function delay(from: Socket, to: Socket, delayMs: number): void {
	const later = (action: () => void): void => {
		setTimeout(action, delayMs);
	};
	from.on('data', (chunk) => {
		later(() => {
			if (to.destroyed) return;
			to.write(chunk);
			if (to.writableLength > WINDOW_BYTES && !from.isPaused()) {
				from.pause();
				to.once('drain', () => from.resume());
			}
		});
	});
	from.once('end', () => later(() => to.end()));
	from.once('close', (hadError) => {
		if (hadError) later(() => to.destroy());
	});
	from.resume();
}
