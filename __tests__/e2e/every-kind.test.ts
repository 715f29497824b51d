/**
 * The same for every kind of cache that Nix reads by itself: 1,500 small paths and a few others go up from one store, every Nix takes them into an empty one, and a second push
 * sends nothing. What that costs in requests is counted by a proxy that all of them go through, and is what docs/backends/README.md says.
 */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import type { Report } from '../../src/report/report.ts';
import { startAtticServer } from '../support/attic-server.ts';
import { startCachixServer } from '../support/cachix-server.ts';
import { build, buildOne, graph, manyPaths } from '../support/derivations.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { startNiks3Server } from '../support/niks3-server.ts';
import type { JobResult } from '../support/runner/steps.ts';
import { assertNoSecrets, runJob, uses } from '../support/runner.ts';
import { startS3Server } from '../support/s3-server.ts';
import { startSshStore } from '../support/ssh-store.ts';
import { testedVersions } from '../support/versions.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
/** Of nobody who signs. */
const stranger = formatPublicKey(publicKeyOf(generateKey('stranger-1')));
const MANY = 1500;
/** `app` and what it needs. */
const FEW = 3;

interface Reading {
	readonly substituter: string;
	readonly publicKey: string;
	readonly netrc?: string;
}

/** A cache that is empty, and the machines that use it. */
interface Kind extends AsyncDisposable {
	readonly inputs: Readonly<Record<string, string>>;
	readonly secrets: readonly string[];
	/** What a machine needs to read it. */
	readonly reading: (reader: Machine) => Reading;
}

interface Row {
	readonly kind: string;
	/** Its page in docs/backends. */
	readonly page: string;
	readonly open: (writer: Machine) => Promise<Kind>;
}

const rows: readonly Row[] = [
	{ kind: 'http', page: 'http', open: openHttp },
	{ kind: 's3', page: 's3', open: openS3 },
	{ kind: 'attic', page: 'attic', open: openAttic },
	{ kind: 'cachix', page: 'cachix', open: openCachix },
	{ kind: 'niks3', page: 'niks3', open: openNiks3 },
	{ kind: 'file', page: 'file', open: openFolder },
	{ kind: 'ssh-ng', page: 'nix-copy', open: (writer) => openSsh(writer, 'ssh-ng') },
	{ kind: 'ssh', page: 'nix-copy', open: (writer) => openSsh(writer, 'ssh') },
];

const overview = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'backends', 'README.md'), 'utf8');

/** How many requests for a new path docs/backends/README.md says that the kind with this page costs. */
function documentedRequests(page: string): number {
	const row = overview.split('\n').find((line) => line.startsWith(`| [${page}]`));
	const [, number] = /^\|[^|]*\|[^|]*\| *(\d)/.exec(row ?? '') ?? [];
	if (number === undefined) throw new Error(`the overview has no number for ${page}`);
	return Number(number);
}

async function openHttp(): Promise<Kind> {
	const server = await startFaultyServer({ credentials: 'ci:http-password' });
	return {
		inputs: { cache: server.url, username: 'ci', password: 'http-password', 'signing-key': secret },
		secrets: [secret, 'http-password'],
		reading: () => ({ substituter: server.url, publicKey, netrc: 'machine 127.0.0.1 login ci password http-password' }),
		[Symbol.asyncDispose]: server[Symbol.asyncDispose],
	};
}

async function openS3(): Promise<Kind> {
	const server = await startS3Server();
	const bucket = await server.makeBucket({ everybody: ['s3:GetObject'] });
	const { accessKeyId, secretAccessKey } = server.owner;
	return {
		inputs: { cache: bucket.url, username: accessKeyId, password: secretAccessKey, 'signing-key': secret },
		secrets: [secret, secretAccessKey],
		reading: () => ({ substituter: bucket.httpUrl, publicKey }),
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}

async function openAttic(): Promise<Kind> {
	const server = await startAtticServer({ caches: { mine: {} } });
	const token = server.token({ pull: ['mine'], push: ['mine'] });
	return {
		inputs: { cache: server.cacheUrl('mine'), token },
		secrets: [token],
		reading: () => ({
			substituter: server.substituter('mine'),
			publicKey: server.publicKey('mine'),
			netrc: `machine 127.0.0.1 login x password ${token}`,
		}),
		[Symbol.asyncDispose]: server[Symbol.asyncDispose],
	};
}

async function openCachix(): Promise<Kind> {
	const server = await startCachixServer();
	if (server.managedKey === null) throw new Error('the server signs');
	const serverKey = formatPublicKey(publicKeyOf(server.managedKey));
	return {
		inputs: { cache: server.cacheUrl, token: server.token },
		secrets: [server.token],
		reading: () => ({ substituter: server.uri, publicKey: serverKey }),
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}

async function openNiks3(): Promise<Kind> {
	const server = await startNiks3Server();
	return {
		inputs: { cache: server.cacheUrl, token: server.token },
		secrets: [server.token],
		reading: () => ({ substituter: server.substituter, publicKey: server.publicKeys.join(' ') }),
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}

async function openFolder(writer: Machine): Promise<Kind> {
	const folder = join(writer.work, 'folder');
	return {
		inputs: { cache: `file://${folder}`, 'signing-key': secret },
		secrets: [secret],
		reading: (reader) => {
			cpSync(folder, join(reader.work, 'folder'), { recursive: true });
			return { substituter: `file://${join(reader.work, 'folder')}`, publicKey };
		},
		[Symbol.asyncDispose]: async () => undefined,
	};
}

async function openSsh(writer: Machine, scheme: 'ssh-ng' | 'ssh'): Promise<Kind> {
	const far = await startSshStore({ nix: '2.26' });
	far.admit(writer);
	return {
		inputs: { cache: far.url(scheme), 'signing-key': secret },
		secrets: [secret],
		reading: (reader) => {
			far.admit(reader);
			return { substituter: far.url(scheme), publicKey };
		},
		[Symbol.asyncDispose]: () => far[Symbol.asyncDispose](),
	};
}

describe.each(rows)('$kind', ({ kind, page, open }) => {
	let writer: Machine;
	let paths: readonly string[];
	beforeAll(async () => {
		writer = await createMachine({ nix: '2.26' });
		const many = await buildOne(writer, manyPaths(MANY, 'every-kind'), { timeoutMs: 240_000 });
		paths = [many, ...(await build(writer, graph('every-kind'), { attributes: ['app'] }))];
	}, 300_000);
	afterAll(() => writer?.dispose());

	const push = (cache: Kind, proxy: ForwardProxy): Promise<JobResult> => {
		const inputs = { ...cache.inputs, paths: paths.join('\n'), verify: 'none', fallback: 'none' };
		const env = { http_proxy: `http://127.0.0.1:${proxy.port}` };
		return runJob(writer, [uses({ with: inputs })], { env, secrets: cache.secrets });
	};
	const countsOf = (result: JobResult) => (result.reports as readonly Report[])[0]?.caches[0]?.counts;

	it('takes 1,500 paths from one store, gives them to every Nix, and takes nothing twice', async () => {
		await using cache = await open(writer);
		await using proxy = await startForwardProxy();
		const first = await push(cache, proxy);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(countsOf(first)?.pushed?.paths, first.log).toBe(MANY + FEW);
		assertNoSecrets(first);
		const each = proxy.requests.length / (MANY + FEW);
		process.stdout.write(`${kind}: ${proxy.requests.length} requests for ${MANY + FEW} paths, ${each.toFixed(2)} for each\n`);
		// What is asked once is a part of it; and where what is above a missing path is not asked for, what is asked before that is known.
		const more = page === 'http' || page === 's3' ? 0.25 : 0.02;
		expect(each - documentedRequests(page)).toBeGreaterThan(-0.02);
		expect(each - documentedRequests(page)).toBeLessThan(more);

		for (const nix of testedVersions()) {
			await using reader = await createMachine({ nix });
			const { substituter, publicKey: trusted, netrc } = cache.reading(reader);
			if (netrc !== undefined) reader.writeFile('/etc/nix/netrc', `${netrc}\n`, 0o600);
			const realise = (trustedKey: string) => {
				const settings = { substituters: substituter, 'trusted-public-keys': trustedKey, 'require-sigs': 'true' };
				const options = Object.entries(settings).flatMap(([name, value]) => ['--option', name, value]);
				return reader.exec(['nix-store', ...options, '--realise', paths[1] ?? '']);
			};
			const distrusted = await realise(stranger);
			expect({ nix, code: distrusted.code, stderr: distrusted.stderr }).toMatchObject({ code: 1 });
			const taken = await realise(trusted);
			expect({ nix, code: taken.code, stderr: taken.stderr }).toMatchObject({ code: 0 });
			await reader.run(['nix-store', '--verify', '--check-contents']);
		}

		const before = proxy.requests.length;
		const second = await push(cache, proxy);
		expect(countsOf(second)?.pushed, second.log).toBeUndefined();
		expect(countsOf(second)?.present?.paths, second.log).toBe(MANY + FEW);
		// Whether the job may write is asked of a bucket with an object that can't be kept.
		const isQuestion = (request: string): boolean => request.includes('nix-cache-action-may-write');
		const puts = proxy.requests.slice(before).filter((request) => request.startsWith('PUT'));
		expect(puts.filter((request) => !isQuestion(request))).toEqual([]);
	}, 400_000);
});
