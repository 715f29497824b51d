/** Ports of 127.0.0.1 for servers of the tests. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { eventually } from './child.ts';

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	server.close();
	await once(server, 'close');
	if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
	return address.port;
}

/** Waits until someone listens on a port of 127.0.0.1. */
export async function listening(port: number): Promise<void> {
	await eventually(`someone who listens on port ${port}`, () => canConnect(port), { timeoutMs: 5_000, everyMs: 5 });
}

function canConnect(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, '127.0.0.1');
		socket.once('connect', () => resolve(true));
		socket.once('error', () => resolve(false));
		socket.once('connect', () => socket.destroy());
	});
}
