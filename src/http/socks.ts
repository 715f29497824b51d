import { lookup } from 'node:dns/promises';
import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { proxyUser } from './proxy.ts';

/** How `tls.connect` is to check a server, and how long a connection may take. */
export type ConnectOptions = buildConnector.BuildOptions & { readonly timeout: number };

/** A SOCKS proxy did not let us through; the message says why. */
export class SocksRefusal extends Error {
	override readonly name = 'SocksRefusal';
	/** Whether it may go better the next time. */
	readonly mayPass: boolean;

	constructor(message: string, mayPass: boolean) {
		super(message);
		this.mayPass = mayPass;
	}
}

const DEFAULT_PORT = 1080;

/** Whether `proxy` is of a kind that is spoken here: SOCKS 5, with the target's name looked up on this machine or (`h`) by the proxy, as curl has it. */
export function isSocks({ protocol }: URL): boolean {
	return protocol === 'socks5:' || protocol === 'socks5h:';
}

/** Connects through a SOCKS 5 proxy (RFC 1928), with user name and password where its URL has them (RFC 1929). */
export function socksConnector(proxy: URL, options: ConnectOptions): buildConnector.connector {
	const plain = buildConnector({ timeout: options.timeout });
	const secure = buildConnector(options);
	const proxyHost = bare(proxy.hostname);
	const proxyPort = Number(proxy.port || DEFAULT_PORT);
	const { username, password } = proxyUser(proxy);
	const credentials = username === '' ? {} : { userId: username, password };

	const through = async ({ hostname, protocol, port }: buildConnector.Options): Promise<Socket> => {
		const { SocksClient } = await import('socks');
		const name = bare(hostname);
		const host = proxy.protocol === 'socks5h:' ? name : (await lookup(name)).address;
		const socket = await called(plain, { hostname: proxyHost, protocol: 'http:', port: `${proxyPort}` });
		try {
			await SocksClient.createConnection({
				command: 'connect',
				proxy: { host: proxyHost, port: proxyPort, type: 5, ...credentials },
				destination: { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) },
				timeout: options.timeout,
				existing_socket: socket,
			});
		} catch (error) {
			socket.destroy();
			// Not as the cause: the library's error holds the credentials.
			throw refusalOf(error instanceof Error ? error.message : '', name);
		}
		return socket;
	};

	return (target, callback) => {
		through(target).then(
			(socket) => {
				if (target.protocol === 'https:') secure({ ...target, httpSocket: socket }, callback);
				else callback(null, socket);
			},
			(error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
		);
	};
}

/** The connection that a callback tells of. */
function called(connect: buildConnector.connector, target: buildConnector.Options): Promise<Socket> {
	return new Promise((resolve, reject) => {
		connect(target, (...[error, socket]) => {
			if (error === null) resolve(socket);
			else reject(error);
		});
	});
}

/** Its errors have no codes; the texts are those of socks/src/common/constants.ts. */
function refusalOf(said: string, host: string): SocksRefusal {
	if (said.includes('Authentication failed'))
		return new SocksRefusal('the SOCKS proxy refuses the user name and password', false);
	if (said.includes('no accepted authentication type')) return new SocksRefusal('the SOCKS proxy wants other credentials', false);
	const [, reply] = /rejected connection - (\w+)/.exec(said) ?? [];
	if (reply === 'NotAllowed') return new SocksRefusal(`the SOCKS proxy does not allow ${host}`, false);
	if (reply !== undefined) return new SocksRefusal(`the SOCKS proxy did not reach ${host} (${reply})`, true);
	if (said.includes('timed out')) return new SocksRefusal('the SOCKS proxy did not answer in time', true);
	if (said.includes('Socket closed')) return new SocksRefusal('the SOCKS proxy closed the connection', true);
	return new SocksRefusal('what the proxy answered is not SOCKS 5', false);
}

/** Without the brackets of an IPv6 address. */
function bare(host: string): string {
	return host.replace(/^\[(.*)\]$/, '$1');
}
