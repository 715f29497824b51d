/** A SOCKS 5 proxy (RFC 1928, RFC 1929) that knows CONNECT alone and writes down where it was asked to go. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface SocksProxy extends AsyncDisposable {
	readonly port: number;
	/** What clients asked for, as they named it: `127.0.0.1:80` when they looked the name up themselves, else `cache.test:80`. */
	readonly targets: readonly string[];
}

export interface SocksProxyOptions {
	/** Who may come through; everybody if not said. */
	readonly user?: { readonly name: string; readonly password: string };
	/** Names that the proxy alone can look up. */
	readonly hosts?: Readonly<Record<string, string>>;
	/** Answers every CONNECT with this reply in place of a connection: 2 not allowed, 4 host unreachable. */
	readonly reply?: number;
}

const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;

export async function startSocksProxy(options: SocksProxyOptions = {}): Promise<SocksProxy> {
	const targets: string[] = [];
	const sockets = new Set<Socket>();
	const server = createServer((client) => {
		sockets.add(client.on('error', () => client.destroy()));
		serve(client, options, targets, sockets).catch(() => client.destroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
	return {
		port: address.port,
		targets,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}

async function serve(client: Socket, options: SocksProxyOptions, targets: string[], sockets: Set<Socket>): Promise<void> {
	const [version, count = 0] = await exactly(client, 2);
	if (version !== 5) throw new Error('not SOCKS 5');
	const offered = await exactly(client, count);
	const method = options.user === undefined ? NO_AUTHENTICATION : USER_AND_PASSWORD;
	if (!offered.includes(method)) return void client.end(Buffer.from([5, 0xff]));
	client.write(Buffer.from([5, method]));
	if (options.user !== undefined && !(await isKnown(client, options.user))) return void client.end(Buffer.from([1, 1]));
	if (options.user !== undefined) client.write(Buffer.from([1, 0]));

	const [, command, , kind = 0] = await exactly(client, 4);
	const host = await hostOf(client, kind);
	const port = (await exactly(client, 2)).readUInt16BE();
	targets.push(`${host}:${port}`);
	const answer = (reply: number): Buffer => Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
	if (command !== 1) return void client.end(answer(7));
	if (options.reply !== undefined) return void client.end(answer(options.reply));
	const upstream = connect({ port, host: options.hosts?.[host] ?? host });
	sockets.add(upstream);
	upstream.once('error', () => (client.writable ? client.end(answer(5)) : client.destroy()));
	await once(upstream, 'connect');
	client.write(answer(0));
	client.once('close', () => upstream.destroy());
	client.pipe(upstream).pipe(client);
}

async function isKnown(client: Socket, user: { readonly name: string; readonly password: string }): Promise<boolean> {
	const [, nameLength = 0] = await exactly(client, 2);
	const name = (await exactly(client, nameLength)).toString('utf8');
	const [passwordLength = 0] = await exactly(client, 1);
	const password = (await exactly(client, passwordLength)).toString('utf8');
	return name === user.name && password === user.password;
}

async function hostOf(client: Socket, kind: number): Promise<string> {
	if (kind === 1) return (await exactly(client, 4)).join('.');
	if (kind === 3) {
		const [length = 0] = await exactly(client, 1);
		return (await exactly(client, length)).toString('latin1');
	}
	const groups = await exactly(client, 16);
	return Array.from({ length: 8 }, (_, index) => groups.readUInt16BE(index * 2).toString(16)).join(':');
}

/** The next bytes of a stream that is not flowing yet. */
async function exactly(socket: Socket, length: number): Promise<Buffer> {
	if (length === 0) return Buffer.alloc(0);
	for (;;) {
		const bytes: unknown = socket.read(length);
		if (bytes instanceof Buffer && bytes.length === length) return bytes;
		if (socket.readableEnded || socket.destroyed) throw new Error('the client went away');
		await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
	}
}
