/**
 * A real S3 server: Ceph's object gateway (radosgw) over a folder, without a cluster. It checks signatures, times, policies and the parts of uploads. Two users
 * with random keys: the owner of the buckets, and a guest, who may what a bucket's policy lets him.
 *
 *     await using server = await startS3Server();
 *     const bucket = await server.makeBucket({ everybody: ['s3:GetObject'] });
 *     uses({ with: { cache: bucket.url, username: server.owner.accessKeyId, password: server.owner.secretAccessKey } })
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
	CreateBucketCommand,
	GetObjectCommand,
	ListObjectsV2Command,
	PutBucketPolicyCommand,
	S3Client,
} from '@aws-sdk/client-s3';
import { eventually } from './child.ts';
import { debianPackage, type UnpackedPackage } from './debian-package.ts';
import { freePort } from './ports.ts';
import { stopProcess, untilItListens } from './serving-process.ts';

export interface S3User {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
}

export interface Bucket {
	readonly name: string;
	/** As the input `cache` takes it. */
	readonly url: string;
	/** Of plain HTTP. */
	readonly httpUrl: string;
}

/** What others than the owner may do, such as `s3:GetObject`. */
export interface BucketPolicy {
	readonly everybody?: readonly string[];
	readonly guest?: readonly string[];
}

export class S3Server implements AsyncDisposable {
	readonly owner: S3User;
	readonly guest: S3User;
	/** Makes and looks at buckets as their owner. */
	readonly client: S3Client;
	readonly #child: ChildProcess;
	readonly #folder: string;
	readonly #endpoint: string;
	readonly #guestName: string;
	#buckets = 0;

	/** `guestName`: as policies name him. */
	constructor(
		child: ChildProcess,
		folder: string,
		port: number,
		users: Readonly<Record<'owner' | 'guest', S3User>>,
		guestName: string,
	) {
		this.#guestName = guestName;
		this.#child = child;
		this.#folder = folder;
		this.#endpoint = `http://127.0.0.1:${port}`;
		this.owner = users.owner;
		this.guest = users.guest;
		this.client = new S3Client({ endpoint: this.#endpoint, region: 'us-east-1', forcePathStyle: true, credentials: users.owner });
	}

	/** The server's own URL. */
	get endpoint(): string {
		return this.#endpoint;
	}

	/** An empty bucket. */
	async makeBucket({ everybody = [], guest = [] }: BucketPolicy = {}): Promise<Bucket> {
		const name = `bucket-${++this.#buckets}`;
		await this.client.send(new CreateBucketCommand({ Bucket: name }));
		const Resource = [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`];
		const statements = [
			{ Effect: 'Allow', Principal: '*', Action: everybody, Resource },
			{ Effect: 'Allow', Principal: { AWS: [this.#guestName] }, Action: guest, Resource },
		].filter(({ Action }) => Action.length > 0);
		if (statements.length > 0) {
			const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements });
			await this.client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }));
		}
		return { name, url: `s3://${name}?endpoint=${this.#endpoint}`, httpUrl: `${this.#endpoint}/${name}` };
	}

	/** Writes all objects of a bucket into a folder, each by its key. */
	async copyTo({ name }: Bucket, folder: string): Promise<void> {
		const { Contents = [] } = await this.client.send(new ListObjectsV2Command({ Bucket: name }));
		for (const { Key = '' } of Contents) {
			const { Body } = await this.client.send(new GetObjectCommand({ Bucket: name, Key }));
			mkdirSync(dirname(join(folder, Key)), { recursive: true });
			writeFileSync(join(folder, Key), (await Body?.transformToByteArray()) ?? '');
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.client.destroy();
		await stopProcess(this.#child, 'SIGKILL');
		rmSync(this.#folder, { recursive: true, force: true });
	}
}

export interface S3ServerOptions {
	/**
	 * Where it keeps them. In files (if not said), an upload in parts fails when its key has a dot (Ceph 20.2); in a database, what went up in parts is taken
	 * and counted rightly but reads as its last part, over and over.
	 */
	readonly objects?: 'files' | 'database';
}

/**
 * Versity's gateway in place of Ceph's, where `VERSITYGW` names its program, which no registry of the tests has: a second opinion. It answers 404 where Ceph, like
 * Amazon, answers 403 to who may not list.
 */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
	const versity = process.env.VERSITYGW;
	return versity === undefined ? startCeph(options) : startVersity(versity);
}

async function startVersity(program: string): Promise<S3Server> {
	const folder = mkdtempSync(join(tmpdir(), 's3-server-'));
	const port = await freePort();
	const users = { owner: randomKeys(), guest: randomKeys() };
	const keysOf = ({ accessKeyId, secretAccessKey }: S3User) => ['--access', accessKeyId, '--secret', secretAccessKey];
	for (const part of ['objects', 'users']) mkdirSync(join(folder, part));
	const serving = [
		'--port',
		`127.0.0.1:${port}`,
		'--iam-dir',
		join(folder, 'users'),
		'--quiet',
		'posix',
		join(folder, 'objects'),
	];
	const child = spawn(program, [...keysOf(users.owner), ...serving], { stdio: ['ignore', 'ignore', 'inherit'] });
	await untilItListens(child, 'versitygw', port);
	const server = new S3Server(child, folder, port, users, users.guest.accessKeyId);
	const admin = ['admin', ...keysOf(users.owner), '--endpoint-url', server.endpoint];
	execFileSync(program, [...admin, 'create-user', ...keysOf(users.guest), '--role', 'user']);
	return server;
}

async function startCeph({ objects = 'files' }: S3ServerOptions): Promise<S3Server> {
	// The first release that keeps its objects in a folder.
	const ceph = await debianPackage('radosgw', 'sid');
	const folder = mkdtempSync(join(tmpdir(), 's3-server-'));
	const port = await freePort();
	const file = join(folder, 'ceph.conf');
	for (const part of ['objects', 'rgw_posix_lmdbs']) mkdirSync(join(folder, part));
	writeFileSync(join(folder, 'keyring'), '');
	writeFileSync(file, configuration(folder, port, ceph, objects));
	const common = ['-c', file, '-n', 'client.rgw', '--no-mon-config'];
	const users = { owner: randomKeys(), guest: randomKeys() };
	for (const [name, keys] of Object.entries(users)) {
		const [program, ...args] = ceph.argv('radosgw-admin');
		const user = [
			`--uid=${name}`,
			`--display-name=${name}`,
			`--access-key=${keys.accessKeyId}`,
			`--secret-key=${keys.secretAccessKey}`,
		];
		await untilTold(spawn(program, [...args, ...common, 'user', 'create', ...user]), `"access_key": "${keys.accessKeyId}"`);
	}
	const [program, ...args] = ceph.argv('radosgw');
	const child = spawn(program, [...args, ...common, '-f'], { stdio: ['ignore', 'ignore', 'pipe'] });
	await untilItListens(child, 'radosgw', port);
	return new S3Server(child, folder, port, users, 'arn:aws:iam:::user/guest');
}

/** Waits until radosgw-admin shows the user as it was made, in JSON. It sometimes hangs after that. */
async function untilTold(admin: ChildProcessWithoutNullStreams, what: string): Promise<void> {
	let [told, complaints] = ['', ''];
	admin.stdout.on('data', (chunk: Buffer) => {
		told += chunk.toString();
	});
	admin.stderr.on('data', (chunk: Buffer) => {
		complaints += chunk.toString();
	});
	const isTold = () => told.includes(what) && /^\}\s*$/m.test(told);
	try {
		await eventually('radosgw-admin that shows a user', () => isTold() || admin.exitCode !== null, { timeoutMs: 30_000 });
		if (!isTold()) throw new Error(`radosgw-admin ended with status ${admin.exitCode}:\n${complaints}`);
	} finally {
		admin.kill('SIGKILL');
	}
}

function randomKeys(): S3User {
	return {
		accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
		secretAccessKey: randomBytes(30).toString('hex'),
	};
}

/** A gateway that keeps users and buckets in SQLite and objects in files, and asks no monitor for anything. */
function configuration(folder: string, port: number, { libraries }: UnpackedPackage, objects: 'files' | 'database'): string {
	return `
[global]
fsid = 00000000-0000-0000-0000-000000000001
run_dir = ${folder}
admin_socket = ${join(folder, '$pid.asok')}
log_file = ${join(folder, 'log')}
plugin_dir = ${join(libraries, 'ceph')}
keyring = ${join(folder, 'keyring')}
mon_host = 127.0.0.1:1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
rgw_data = ${folder}
rgw_config_store = dbstore
rgw_backend_store = dbstore
dbstore_db_dir = ${folder}
dbstore_config_uri = file:${join(folder, 'config.db')}
${objects === 'files' ? 'rgw_filter = posix' : ''}
rgw_posix_base_path = ${join(folder, 'objects')}
rgw_posix_database_root = ${folder}
rgw_posix_userdb_dir = ${folder}
rgw_frontends = beast endpoint=127.0.0.1:${port}
rgw_relaxed_s3_bucket_names = false
`;
}
