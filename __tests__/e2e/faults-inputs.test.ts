import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { graph } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { expectOneProblem, problems } from './one-problem.ts';

const secret = formatSecretKey(generateKey('test-1'));
const password = 'correct-horse-battery-staple';

let machine: Machine;
let server: FaultyServer;

beforeAll(async () => {
	[machine, server] = await Promise.all([createMachine({ nix: '2.26' }), startFaultyServer({ credentials: `ci:${password}` })]);
});
afterAll(async () => {
	await machine?.dispose();
	await server?.[Symbol.asyncDispose]();
});

const inputs = (more: Readonly<Record<string, string>>) => ({
	cache: server.url,
	username: 'ci',
	password,
	'signing-key': secret,
	...more,
});

describe('inputs', () => {
	const publicKey = formatPublicKey(publicKeyOf(generateKey('p-1')));
	const cutOff = `test-1:${Buffer.from(secret.slice(7), 'base64').subarray(0, 48).toString('base64')}`;
	const GENERATE = 'nix-store --generate-binary-cache-key';
	it.each([
		['a key without a name', { 'signing-key': secret.slice(7) }, [['- signing-key: ', 'has no name in front of it', GENERATE]]],
		['a key of the wrong length', { 'signing-key': cutOff }, [['- signing-key: ', 'has 48 bytes where it takes 64', GENERATE]]],
		[
			'a public key in place of the secret one',
			{ 'signing-key': publicKey },
			[['- signing-key: ', 'has 32 bytes, as a public key has', `Give the other file that \`${GENERATE}\` wrote`]],
		],
		[
			'credentials inside of the URL',
			{ cache: 'https://me:my-own-password@cache.test/x' },
			[['- cache: ', 'cache.test/x` has credentials inside', 'give them as the inputs `username` and `password`']],
		],
		['an unknown kind', { cache: 'gopher://cache.test' }, [['- cache: ', 'is of an unknown kind; this version has `https://…`']]],
		[
			'a bad expression and a bad size, in one go',
			{ exclude: '(', 'max-path-size': 'huge' },
			[
				['- exclude: ', '`(` is not a regular expression'],
				['- max-path-size: ', '`huge` is not a size such as `500 MB`'],
			],
		],
	])('fail early on %s', async (_what, more, lines) => {
		const secrets = [secret.slice(7), cutOff.slice(7), 'my-own-password'];
		const result = await runJob(machine, [uses({ with: inputs(more) })], { secrets });
		expect(result.status).toBe('failure');
		// Pre fails, and the runner stops there.
		expectOneProblem(result);
		const [, ...said] = problems(result)[0]?.split('\n') ?? [];
		expect(said.length, result.log).toBe(lines.length);
		for (const [at, texts] of lines.entries()) for (const text of texts) expect(said[at]).toContain(text);
		assertNoSecrets(result);
	});

	it.each([
		['warn', 'success'],
		['fail', 'failure'],
	])(
		'that a step changes are no reason to leave anything behind, and count as `on-push-failure: %s` says',
		async (policy, status) => {
			const changed = join(machine.work, `changed-${policy}`);
			const username = () => (existsSync(changed) ? '' : 'ci');
			const result = await runJob(
				machine,
				[uses({ with: { ...inputs({ 'on-push-failure': policy }), username } }), run(`touch ${changed}`)],
				{ secrets: [password, secret] },
			);
			expect(result.status, result.log).toBe(status);
			expectOneProblem(result, 'Nothing is pushed.', '- username: empty although `password` is given');
			expect(result.leftovers).toEqual([]);
			expect(result.orphans).toEqual([]);
			assertNoSecrets(result);
		},
	);

	it('all empty, as in a pull request from a fork, give a green job that reads and pushes nothing', async () => {
		const empty = { username: '', password: '', token: '', 'signing-key': '', netrc: '' };
		await using open = await startFaultyServer();
		open.write('nix-cache-info', 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n');
		const options = { event: 'pull_request', workspace: { 'job.nix': graph('fork') } } as const;
		const build = run('nix-build --no-out-link job.nix -A lib');
		const result = await runJob(machine, [uses({ with: { cache: open.url, ...empty } }), build], options);
		expect(result.status, result.log).toBe('success');
		expect(result.stage('main').outputs).toMatchObject({ 'can-push': 'false', cache: 'http', substituters: open.url });
		// Whoever reads needs the public key, which is no secret.
		expectOneProblem(result, 'only what cache.nixos.org-1 signed', '`trusted-public-keys: NAME:BASE64`');
		// Nix itself asked for what it then had to build.
		expect(open.requests.some(({ path }) => path.endsWith('.narinfo'))).toBe(true);
		expect(open.requests.filter(({ method }) => method === 'PUT')).toEqual([]);
	});

	it('all empty for a cache that wants credentials: the job says so and builds', async () => {
		const given = { cache: server.url, username: '', password: '', 'signing-key': '' };
		const result = await runJob(machine, [uses({ with: given }), run('true')], { event: 'pull_request' });
		expect(result.status, result.log).toBe('success');
		expect(result.stage('main').outputs['can-push']).toBe('false');
		expectOneProblem(
			result,
			server.url,
			'401 Unauthorized',
			'wants credentials, and got none',
			'give `username` and `password`, or `token`',
		);
		expect(result.annotations[0]?.title).toBe('nix-cache-action (cache-unauthorized)');
	});

	it('that are not given at all give a green job without a word', async () => {
		const result = await runJob(machine, [uses({ with: {} }), run('true')]);
		expect(result.status, result.log).toBe('success');
		expect(problems(result), result.log).toEqual([]);
	});
});

it('a report that can not be written is said, and the push counts for what it was', async () => {
	const block =
		'for folder in "$RUNNER_TEMP"/nix-cache-action-*; do ' +
		'ln -s /no/such/file "$RUNNER_TEMP/nix-cache-action-report-$(basename "$folder" | cut -d- -f4).json"; done';
	const options = { secrets: [password, secret], workspace: { 'job.nix': graph('unreported') } };
	const build = run('nix-build --no-out-link job.nix -A lib');
	const result = await runJob(machine, [uses({ with: inputs({ 'on-push-failure': 'fail' }) }), run(block), build], options);
	expect(result.status, result.log).toBe('success');
	expectOneProblem(result, 'The report ', "can't be written: ENOENT");
	expect(result.stage('post').log).toMatch(/2 pushed/);
});
