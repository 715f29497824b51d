/**
 * A real nginx as an HTTP binary cache: WebDAV PUT, basic credentials, TLS with a private authority, under a base path like those of
 * Artifactory and Nexus. It runs in a machine of its own; its network is the host's.
 *
 *     await using cache = await startNginx({ auth: 'all' });
 *     uses({ with: { cache: cache.url, username: cache.username, password: cache.password } })
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificates, testCertificates } from './certificates.ts';
import { createMachine, type Machine } from './machine.ts';
import { freePort } from './ports.ts';
import { stopProcess, untilItListens } from './serving-process.ts';

export interface NginxOptions {
	/** Who must show credentials: nobody, those who write, everyone. `all` if not said. `read-only`: nobody may write, whoever it is. */
	readonly auth?: 'none' | 'write' | 'all' | 'read-only';
	/** `https` with a certificate of the tests' authority. */
	readonly tls?: boolean;
	/** Where the cache is served; `/repository/nix/` if not said. Begins and ends with a slash. */
	readonly basePath?: string;
	/** Where uploads go, when they are refused at the base path. */
	readonly pushPath?: string;
	/** `client_max_body_size`, such as `1m`; `0`, no limit, if not said. */
	readonly maxBodySize?: string;
	readonly password?: string;
}

/** A request as nginx saw it, in the order in which they ended. */
export interface NginxRequest {
	readonly method: string;
	readonly path: string;
	readonly status: number;
	/** Size of the request's body in bytes, -1 without a Content-Length. */
	readonly bodyBytes: number;
	readonly sentBytes: number;
	/** The Authorization header as it came, or empty. */
	readonly authorization: string;
	readonly contentType: string;
	readonly userAgent: string;
	readonly range: string;
}

const DEFAULTS: Required<NginxOptions> = {
	auth: 'all',
	tls: false,
	basePath: '/repository/nix/',
	pushPath: '',
	maxBodySize: '0',
	password: 'correct-horse-battery-staple',
};

export async function startNginx(options: NginxOptions = {}): Promise<Nginx> {
	const all = { ...DEFAULTS, ...options };
	const machine = await createMachine({ nix: '2.8' });
	const nginx = new Nginx(machine, await freePort(), all, all.tls ? await testCertificates() : null);
	await nginx.start();
	return nginx;
}

export class Nginx implements AsyncDisposable {
	readonly username = 'ci';
	readonly port: number;
	/** What clients need to trust, in PEM, when it speaks TLS. */
	readonly ca: string | null;
	/** The folder that holds the cache's files, outside of the machine. */
	readonly folder: string;
	readonly #machine: Machine;
	readonly #certificates: Certificates | null;
	readonly #log: string;
	#options: Required<NginxOptions>;
	#process: ChildProcess | null = null;

	constructor(machine: Machine, port: number, options: Required<NginxOptions>, certificates: Certificates | null) {
		this.#machine = machine;
		this.#options = options;
		this.#certificates = certificates;
		this.#log = join(machine.work, 'requests.log');
		this.port = port;
		this.ca = certificates?.ca ?? null;
		this.folder = join(machine.work, 'served', options.basePath);
		mkdirSync(this.folder, { recursive: true });
	}

	/** The cache's URL, without credentials and without a slash at its end. */
	get url(): string {
		return this.#urlOf(this.#options.basePath);
	}

	/** Where uploads go: the URL of `pushPath`, or the cache's. */
	get pushUrl(): string {
		return this.#urlOf(this.#options.pushPath || this.#options.basePath);
	}

	get password(): string {
		return this.#options.password;
	}

	async start(): Promise<void> {
		const { work } = this.#machine;
		writeFileSync(join(work, 'nginx.conf'), this.#configuration());
		writeFileSync(join(work, 'users'), `${this.username}:{PLAIN}${this.password}\n`);
		if (this.#certificates) {
			writeFileSync(join(work, 'server.pem'), this.#certificates.cert);
			writeFileSync(join(work, 'server.key'), this.#certificates.key);
		}
		const child = this.#machine.spawn(['nginx', '-p', work, '-c', join(work, 'nginx.conf')]);
		this.#process = child;
		await untilItListens(child, 'nginx', this.port);
	}

	/** Stops it as if the machine went away: connections are cut. */
	async stop(): Promise<void> {
		const child = this.#process;
		this.#process = null;
		await stopProcess(child);
	}

	/** Stops it and starts it with some options changed; the port stays. */
	async restart(changes: NginxOptions = {}): Promise<void> {
		await this.stop();
		this.#options = { ...this.#options, ...changes };
		await this.start();
	}

	/** All requests so far, or since `forgetRequests`. */
	requests(): readonly NginxRequest[] {
		if (!existsSync(this.#log)) return [];
		return readFileSync(this.#log, 'utf8')
			.split('\n')
			.filter((line) => line !== '')
			.map(parseRequest);
	}

	forgetRequests(): void {
		writeFileSync(this.#log, ''); // nginx appends
	}

	async dispose(): Promise<void> {
		await this.stop();
		await this.#machine.dispose();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.dispose();
	}

	#urlOf(path: string): string {
		return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}${path.replace(/\/$/, '')}`;
	}

	#configuration(): string {
		const { auth, tls, basePath, pushPath, maxBodySize } = this.#options;
		const credentials = `auth_basic "cache"; auth_basic_user_file users;`;
		const always = auth === 'all' ? credentials : '';
		const limits = { write: credentials, 'read-only': 'deny all;', none: '', all: '' };
		const forWriting = limits[auth] === '' ? '' : `limit_except GET HEAD { ${limits[auth]} }`;
		const put = 'dav_methods PUT; create_full_put_path on; dav_access user:rw group:r all:r;';
		return `
daemon off;
user root;
worker_processes auto;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 512; }
http {
	log_format requests escape=json '{"method":"$request_method","path":"$request_uri","status":"$status","bodyBytes":"$content_length",'
		'"sentBytes":"$body_bytes_sent","authorization":"$http_authorization","contentType":"$http_content_type",'
		'"userAgent":"$http_user_agent","range":"$http_range"}';
	access_log requests.log requests;
	client_body_temp_path body;
	proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	client_max_body_size ${maxBodySize};
	default_type application/octet-stream;
	sendfile on;
	tcp_nopush on;
	server {
		listen 127.0.0.1:${this.port}${tls ? ' ssl' : ''};
		${tls ? 'ssl_certificate server.pem; ssl_certificate_key server.key;' : ''}
		root served;
		location ${basePath} { ${always} ${forWriting} ${pushPath === '' ? put : ''} }
		${pushPath === '' ? '' : `location ${pushPath} { alias ${this.folder}; ${put} ${credentials} }`}
	}
}
`;
	}
}

function parseRequest(line: string): NginxRequest {
	const fields: unknown = JSON.parse(line);
	const text = (name: string): string => {
		const value: unknown = typeof fields === 'object' && fields !== null ? Reflect.get(fields, name) : undefined;
		return typeof value === 'string' ? value : '';
	};
	return {
		method: text('method'),
		path: text('path'),
		status: Number(text('status')),
		bodyBytes: text('bodyBytes') === '' ? -1 : Number(text('bodyBytes')),
		sentBytes: Number(text('sentBytes')),
		authorization: text('authorization'),
		contentType: text('contentType'),
		userAgent: text('userAgent'),
		range: text('range'),
	};
}
