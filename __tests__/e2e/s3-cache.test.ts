import { createHash } from 'node:crypto';
import { request as forward } from 'node:http';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { startServer } from '../http/peers/server.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { createMachine } from '../support/machine.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { type S3Server, type S3User, startS3Server } from '../support/s3-server.ts';
import { testedVersions } from '../support/versions.ts';

const secret = formatSecretKey(generateKey('test-1'));
const build = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

let server: S3Server;
beforeAll(async () => {
	server = await startS3Server();
}, 400_000);
afterAll(async () => server[Symbol.asyncDispose]());

describe.each(testedVersions())('a bucket as the cache, Nix %s', (nix) => {
	it('that everybody may read takes what a job built, gives it to the next one, and is asked for no more', async () => {
		await using machine = await createMachine({ nix });
		const bucket = await server.makeBucket({ everybody: ['s3:GetObject'] });
		const { accessKeyId, secretAccessKey } = server.owner;
		const options = { workspace: { 'job.nix': graph(`s3-${nix}`) }, secrets: [secret, secretAccessKey] };
		const inputs = {
			cache: `${bucket.url}&priority=10`,
			username: accessKeyId,
			password: secretAccessKey,
			'signing-key': secret,
		};
		const steps = [uses({ with: inputs }), build];
		const first = await runJob(machine, steps, options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('main').outputs).toMatchObject({
			cache: 's3',
			'can-push': 'true',
			substituters: `${bucket.httpUrl}?priority=10`,
		});
		expect(first.stage('post').log).toMatch(/5 pushed/);
		const copy = join(machine.work, 'copy');
		await server.copyTo(bucket, copy);
		expect(checkCache(copy).length).toBe(5);
		await machine.emptyStore();
		const second = await runJob(machine, steps, options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});
});

describe.each(testedVersions())('a private bucket, Nix %s', (nix) => {
	it('takes what a job built with the credentials of the environment, and the local substituter gives it to the next one', async () => {
		await using machine = await createMachine({ nix });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		const bucket = await server.makeBucket();
		const { accessKeyId, secretAccessKey } = server.owner;
		const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
		const workspace = { 'job.nix': graph(`private-${nix}`) };
		const options = { user: 'runner', env, workspace, secrets: [secret, secretAccessKey] };
		const steps = [uses({ with: { cache: bucket.url, 'signing-key': secret, fallback: 'none' } }), build];
		const first = await runJob(machine, steps, options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('main').outputs).toMatchObject({ cache: 's3', 'can-push': 'true' });
		expect(first.stage('post').log).toMatch(/5 pushed/);
		await machine.emptyStore();
		const second = await runJob(machine, steps, options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});
});

it('a large NAR goes up in parts and with little memory, with the very bytes that Nix would dump', async () => {
	// Keys of NARs have dots, and parts of such go only into this kind of Ceph's stores.
	await using database = await startS3Server({ objects: 'database' });
	await using machine = await createMachine({ nix: '2.26' });
	const bucket = await database.makeBucket();
	const { accessKeyId, secretAccessKey } = database.owner;
	await machine.run(['sh', '-c', 'mkdir /tmp/large && head -c 200000000 /dev/urandom > /tmp/large/file']);
	const path = await machine.run(['nix-store', '--add', '/tmp/large']);
	const inputs = { cache: bucket.url, username: accessKeyId, password: secretAccessKey, 'signing-key': secret, paths: path };
	const result = await runJob(machine, [uses({ with: { ...inputs, compression: 'none' } })], { secrets: [secretAccessKey] });
	expect(result.annotations, result.log).toEqual([]);
	expect(result.stage('post').log).toMatch(/1 pushed/);
	expect(result.stage('post').peakRssBytes / 2 ** 20).toBeLessThan(256);
	const { bytes } = await machine.exec(['nix-store', '--dump', path]);
	const { Contents = [] } = await database.client.send(new ListObjectsV2Command({ Bucket: bucket.name, Prefix: 'nar/' }));
	expect(Contents.map(({ Size, ETag }) => [Size, ETag?.replaceAll('"', '')])).toEqual([
		[bytes.length, tagOf(bytes, 16 * 2 ** 20)],
	]);
});

it('keys that ran out while the job was pushed, and that a step has renewed, are no loss', async () => {
	await using machine = await createMachine({ nix: '2.34' });
	const bucket = await server.makeBucket({ guest: ['s3:GetObject', 's3:PutObject', 's3:ListBucket'] });
	await using gate = await startKeyGate(server, server.owner.accessKeyId, /^PUT .*\.narinfo/);
	const environment = ({ accessKeyId, secretAccessKey }: S3User) => ({
		AWS_ACCESS_KEY_ID: accessKeyId,
		AWS_SECRET_ACCESS_KEY: secretAccessKey,
	});
	const renewed = Object.entries(environment(server.guest)).map(([name, value]) => `echo '${name}=${value}' >> $GITHUB_ENV`);
	const result = await runJob(
		machine,
		[
			uses({ with: { cache: bucket.url.replace(server.endpoint, gate.url), 'signing-key': secret, fallback: 'none' } }),
			run(`${renewed.join('\n')}\nnix-build --no-out-link job.nix -A ${GRAPH[0]}\nsleep 3`),
			build,
		],
		{
			env: environment(server.owner),
			workspace: { 'job.nix': graph('renewed') },
			secrets: [secret, server.guest.secretAccessKey, server.owner.secretAccessKey],
		},
	);
	expect(result.annotations, result.log).toEqual([]);
	expect(result.stage('post').log).toMatch(/5 pushed/);
	expect(gate.refused).toBeGreaterThan(0);
	const { Contents = [] } = await server.client.send(new ListObjectsV2Command({ Bucket: bucket.name }));
	expect(Contents.filter(({ Key }) => Key?.endsWith('.narinfo')).length).toBe(5);
});

/** In front of a server of S3's: after the first request like `last`, the keys of one user have expired. */
async function startKeyGate({ endpoint }: S3Server, accessKeyId: string, last: RegExp) {
	const upstream = new URL(endpoint);
	let hasExpired = false;
	let refused = 0;
	const peer = await startServer((request, response) => {
		if (hasExpired && request.headers.authorization?.includes(`Credential=${accessKeyId}/`) === true) {
			refused++;
			request.resume();
			response.writeHead(400).end('<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>');
			return;
		}
		hasExpired ||= last.test(`${request.method} ${request.url}`);
		const { method = '', url = '', headers } = request;
		const onward = forward({ host: upstream.hostname, port: upstream.port, method, path: url, headers }, (answer) => {
			response.writeHead(answer.statusCode ?? 500, answer.headers);
			answer.pipe(response);
		});
		onward.once('error', () => response.destroy());
		request.pipe(onward);
	});
	return {
		url: peer.url.origin,
		get refused() {
			return refused;
		},
		[Symbol.asyncDispose]: peer.close,
	};
}

/** What S3 calls an object that came in parts: the hash of their hashes, and their number. */
function tagOf(bytes: Uint8Array, partBytes: number): string {
	const md5 = (of: Uint8Array): Buffer => createHash('md5').update(of).digest();
	const count = Math.ceil(bytes.length / partBytes);
	const hashes = Array.from({ length: count }, (_, index) => md5(bytes.subarray(index * partBytes, (index + 1) * partBytes)));
	return `${md5(Buffer.concat(hashes)).toString('hex')}-${count}`;
}

describe('a bucket that can not be used costs the cache, not the job, and one line says why', () => {
	let readOnly: string;
	beforeAll(async () => {
		({ url: readOnly } = await server.makeBucket({ guest: ['s3:GetObject', 's3:ListBucket'] }));
		const { client } = server;
		const [, Bucket = ''] = /^s3:\/\/([^?]+)/.exec(readOnly) ?? [];
		await client.send(new PutObjectCommand({ Bucket, Key: 'nix-cache-info', Body: 'StoreDir: /nix/store\n' }));
	});
	const reader = () => ({ username: server.guest.accessKeyId, password: server.guest.secretAccessKey });

	it.each([
		['the secret', () => ({ password: 'fZ2x-not-this-one' }), /SignatureDoesNotMatch.*The secret access key is wrong/],
		['the access key id', () => ({ username: 'AKIANOBODY' }), /InvalidAccessKeyId.*does not know the access key id/],
		['the bucket', () => ({ cache: `s3://no-bucket?endpoint=${server.endpoint}` }), /NoSuchBucket.*no bucket `no-bucket`/],
		[
			'a policy that lets this user read and no more',
			() => ({ ...reader(), cache: readOnly }),
			/PUT .*AccessDenied.*s3:PutObject.*reads from it and pushes nothing there/,
		],
		['no credentials at all', () => ({ username: '', password: '' }), /AccessDenied.*no AWS credentials/],
	])('%s', async (_, wrong, message) => {
		await using machine = await createMachine({ nix: '2.26' });
		const { accessKeyId, secretAccessKey } = server.owner;
		const { url } = await server.makeBucket();
		const inputs = {
			cache: url,
			username: accessKeyId,
			password: secretAccessKey,
			'signing-key': secret,
			fallback: 'none',
			...wrong(),
		};
		const options = {
			env: { AWS_EC2_METADATA_DISABLED: 'true' },
			workspace: { 'job.nix': graph('wrong') },
			secrets: [secret, secretAccessKey],
		};
		const result = await runJob(machine, [uses({ with: inputs }), build], options);
		expect(result.status, result.log).toBe('success');
		expect(
			result.annotations.map((annotation) => annotation.message),
			result.log,
		).toEqual([expect.stringMatching(message)]);
		expect(result.stage('main').annotations.length, result.log).toBe(1);
	});

	it.each([
		['the region', 'AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>', /write `region=eu-west-1`/],
		['a session that has expired', 'ExpiredToken', '', /session .* has expired.*role-duration-seconds/],
	])('%s', async (_, code, more, message) => {
		// Ceph has neither: these are the answers of Amazon's servers.
		await using amazon = await startFaultyServer();
		const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>No.</Message>${more}</Error>`;
		amazon.fail({}, { kind: 'status', status: 400, headers: { 'content-type': 'application/xml' }, body });
		await using machine = await createMachine({ nix: '2.26' });
		const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret-of-a-session', AWS_SESSION_TOKEN: 'token' };
		const inputs = { cache: `s3://bucket?endpoint=${amazon.origin}`, 'signing-key': secret, fallback: 'none' };
		const options = { env, workspace: { 'job.nix': graph('session') }, secrets: [secret, env.AWS_SECRET_ACCESS_KEY] };
		const result = await runJob(machine, [uses({ with: inputs }), build], options);
		expect(result.status, result.log).toBe('success');
		expect(
			result.annotations.map((annotation) => annotation.message),
			result.log,
		).toEqual([expect.stringMatching(message)]);
		expect(result.stage('main').annotations.length, result.log).toBe(1);
		assertNoSecrets(result);
	});
});

it('a pull request from a fork, which gets no secrets, reads a bucket that everybody may read and does not push', async () => {
	await using machine = await createMachine({ nix: '2.34' });
	const bucket = await server.makeBucket({ everybody: ['s3:GetObject'] });
	const { accessKeyId, secretAccessKey } = server.owner;
	const workspace = { 'job.nix': graph('fork') };
	const own = { cache: bucket.url, username: accessKeyId, password: secretAccessKey, 'signing-key': secret };
	const first = await runJob(machine, [uses({ with: own }), build], { workspace, secrets: [secret, secretAccessKey] });
	expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
	await machine.emptyStore();
	const publicKey = first.stage('main').outputs['public-key'] ?? '';
	const forks = { cache: bucket.url, username: '', password: '', 'signing-key': '', 'trusted-public-keys': publicKey };
	const options = { workspace, event: 'fork_pull_request', env: { AWS_EC2_METADATA_DISABLED: 'true' } } as const;
	const second = await runJob(machine, [uses({ with: forks }), build], options);
	expect(second.status, second.log).toBe('success');
	expect(second.stage('main').outputs).toMatchObject({ cache: 's3', 'can-push': 'false' });
	expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
	expect(second.log).toContain('there are no AWS credentials');
});
