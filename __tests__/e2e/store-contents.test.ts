import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { awkwardFiles, build, derivation, fixedOutput, GRAPH, graph, manyPaths, textPath } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { JobResult, RunningJob, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';

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
beforeEach(() => {
	for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
});

const action = (more: Readonly<Record<string, string>> = {}) =>
	uses({ with: { cache: server.url, username: 'ci', password, 'signing-key': secret, ...more } });
const buildAll = run('nix-build --no-out-link job.nix');
const play = (steps: readonly Step[], expression: string): Promise<JobResult> =>
	runJob(machine, steps, { secrets: [password, secret], workspace: { 'job.nix': expression } });

function expectWhole(result: JobResult): ReturnType<typeof checkCache> {
	expect(result.status, result.log).toBe('success');
	assertNoSecrets(result);
	return checkCache(server.folder);
}

describe('what lies in the store', () => {
	it('fixed outputs and texts keep their CA field, and file names that are not UTF-8 go up byte for byte', async () => {
		const text = textPath('text-contents', 'some text');
		const user = derivation({ name: 'user-contents', script: 'cat $text > $out; echo $text >> $out', env: { text } });
		const result = await play(
			[action(), buildAll],
			`[ (${fixedOutput('fixed-contents', 'fixed')}) (${user}) (${awkwardFiles('contents')}) ]`,
		);
		const infos = expectWhole(result);
		const named = (name: string) => infos.find(({ storePath }) => storePath.endsWith(`-${name}`));
		expect(named('fixed-contents')?.ca, result.log).toMatch(/^fixed:sha256:/);
		expect(named('text-contents')?.ca, result.log).toMatch(/^text:sha256:/);
		expect(named('awkward-contents'), result.log).toBeDefined();
		expect(result.annotations, result.log).toEqual([]);

		// Real Nix takes them, and what it unpacks has the same NAR.
		const paths = [named('fixed-contents'), named('user-contents'), named('awkward-contents')].map(
			(info) => info?.storePath ?? '',
		);
		await using reader = await createMachine({ nix: '2.8' });
		reader.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ci password ${password}\n`, 0o600);
		await reader.run([
			'nix-store',
			'--realise',
			'--option',
			'substituters',
			server.url,
			'--option',
			'require-sigs',
			'false',
			...paths,
		]);
		for (const path of paths) {
			const dump = ['sh', '-c', 'nix-store --dump "$1" | sha256sum', 'sh', path];
			expect(await reader.run(dump)).toBe(await machine.run(dump));
		}
	});

	it('a path that is deleted before the end of the job is left out without a word of alarm', async () => {
		const expression = graph('gone');
		const remove = async ({ machine: inside }: RunningJob) => {
			const [tool = ''] = await build(inside, expression, { attributes: ['tool'] });
			await inside.run(['nix-store', '--delete', tool]);
		};
		const buildGraph = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);
		const result = await play([action({ continuous: 'false' }), buildGraph, remove], expression);
		expect(expectWhole(result).length).toBe(4);
		expect(result.annotations, result.log).toEqual([]);
	});

	it('files that vanish under Nix leave a hole neither in the cache nor in what refers to them', async () => {
		const expression = graph('ripped');
		const rip = async ({ machine: inside }: RunningJob) => {
			const [lib = ''] = await build(inside, expression, { attributes: ['lib'] });
			await inside.run(['sh', '-c', 'chmod -R u+w "$1"; rm -r "$1"', 'sh', lib]);
		};
		const buildGraph = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);
		const result = await play([action({ continuous: 'false' }), buildGraph, rip], expression);
		const names = expectWhole(result).map(({ storePath }) => storePath.replace(/^.*?-/, ''));
		expect(names, result.log).toContain('base-ripped');
		expect(names).not.toContain('lib-ripped');
		expect(names).not.toContain('app-ripped');
		await machine.emptyStore();
	});

	it('a closure of 5,000 paths goes up whole', async () => {
		const result = await play([action({ verify: 'none' }), buildAll], manyPaths(5000, 'many'));
		expect(expectWhole(result).length).toBe(5000);
		expect(result.stage('post').log).toMatch(/5,?000 pushed/);
	});
});
