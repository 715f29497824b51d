import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface ConnectProxy {
	readonly port: number;
	/** `host:port` of each tunnel, with the credentials that came along. */
	readonly tunnels: readonly { readonly target: string; readonly authorization: string | null }[];
	close(): Promise<void>;
}

/** A proxy that knows CONNECT alone. It answers with `refusal` (such as `407 Proxy Authentication Required`) when there is one. */
export async function startConnectProxy(refusal: string | null = null): Promise<ConnectProxy> {
	const tunnels: { target: string; authorization: string | null }[] = [];
	const sockets = new Set<Socket>();
	const keep = (socket: Socket) => void sockets.add(socket.on('error', () => socket.destroy()));
	const server = createServer((client) => {
		keep(client);
		client.once('data', (head) => {
			const text = head.toString('latin1');
			const [, target = '', host = '', port = ''] = /^CONNECT ((\S+):(\d+)) HTTP\/1\.1\r\n/.exec(text) ?? [];
			tunnels.push({ target, authorization: /^proxy-authorization: (.*)\r$/im.exec(text)?.[1] ?? null });
			if (refusal !== null || target === '') {
				client.end(`HTTP/1.1 ${refusal ?? '400 Bad Request'}\r\ncontent-length: 0\r\n\r\n`);
				return;
			}
			const upstream = connect(Number(port), host, () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'));
			keep(upstream);
			client.pipe(upstream).pipe(client);
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no port');
	return {
		port: address.port,
		tunnels,
		async close() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}
