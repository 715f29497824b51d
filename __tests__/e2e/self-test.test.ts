/** The steps of .github/workflows/self-test.yml, as they stand there, on machines of the tests: what runs by hand on GitHub should not fail for a slip in its own scripts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type RemoteCacheService, spawnCacheService } from '../support/cache-service/connect.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { CHECKOUT } from '../support/machine.ts';
import { lookAlikeConf, machineWithoutNix, makeNixTarball, type NixTarball } from '../support/nix-tarball.ts';
import { type Contexts, evaluate } from '../support/runner/expression.ts';
import type { JobResult, Step } from '../support/runner/steps.ts';
import { run, uses } from '../support/runner.ts';
import { play } from './actions-cache-store.ts';

interface WorkflowStep {
	readonly id?: string;
	readonly uses?: string;
	readonly with?: Readonly<Record<string, string>>;
	readonly shell?: string;
	readonly run?: string;
	readonly env?: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(join(CHECKOUT, '.github', file), 'utf8');
const { jobs }: { readonly jobs: Readonly<Record<string, { readonly steps: readonly WorkflowStep[] }>> } = parse(
	read('workflows/self-test.yml'),
);
const workspace = { '.github/self-test.nix': read('self-test.nix') };
const NIX = '2.26';

let service: RemoteCacheService;
let tarball: NixTarball;
let mirror: FaultyServer;
beforeAll(async () => {
	[service, tarball, mirror] = await Promise.all([
		spawnCacheService(),
		makeNixTarball(NIX),
		startFaultyServer({ basePath: '/nix/' }),
	]);
	mirror.write(tarball.path, tarball.bytes);
	mirror.write(`${tarball.path}.sha256`, tarball.hex);
});
afterAll(async () => {
	await service.stop();
	await mirror[Symbol.asyncDispose]();
});

/** The steps of a job that use this action or run a script. `outputs` is what the step `cache` is expected to give. */
function stepsOf(job: string, outputs: Readonly<Record<string, string>>): readonly Step[] {
	const matrix = { runner: 'ubuntu-latest', nix: tarball.version };
	const contexts: Contexts = { github: { run_id: 7, run_attempt: 1 }, matrix, steps: { cache: { outputs } } };
	const values = (texts: Readonly<Record<string, string>> = {}): Record<string, string> =>
		Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, evaluate(text, contexts)]));
	return (jobs[job]?.steps ?? []).flatMap((step, index): readonly Step[] => {
		if (step.uses === './') {
			const given = values(step.with);
			// The release that the workflow names is not there; ours is on the mirror.
			const installNix = given['install-nix'] === undefined ? {} : { 'install-nix': `${tarball.version} ${mirror.url}` };
			return [uses({ name: step.id ?? `action-${index}`, local: true, with: { ...given, ...installNix } })];
		}
		// What the workflow prepares with the distribution's package manager is in the machines of the tests.
		if (step.run === undefined || step.run.startsWith('apt-get')) return [];
		const script = step.shell === 'bash' ? `set -o pipefail\n${step.run}` : step.run;
		return [run(script, { env: { ...values(step.env), NIX_CONFIG: lookAlikeConf(NIX) } })];
	});
}

const expectOutputs = (result: JobResult, outputs: Readonly<Record<string, string>>): void =>
	expect(result.stage('main', 'cache').outputs, result.log).toMatchObject(outputs);

it('fill pushes to the Actions cache, and reuse has all of it from there on another machine', async () => {
	const options = { repository: 'octo/self-test', workspace };
	await using machine = await machineWithoutNix(NIX);
	const outputs = { cache: 'actions-cache', 'can-push': 'true' };
	const first = await play(service, machine, stepsOf('fill', outputs), options);
	expectOutputs(first, outputs);
	expect(first.stage('post', 'cache').log).toMatch(/2 pushed/);
	await machine.emptyStore();
	await play(service, machine, stepsOf('reuse', outputs), options);
});

it('container builds with two uses of the action', async () => {
	await using machine = await machineWithoutNix(NIX);
	const result = await play(service, machine, stepsOf('container', { cache: 'file' }), {
		repository: 'octo/container',
		workspace,
	});
	expectOutputs(result, { cache: 'file', 'can-push': 'true' });
	expect(result.stage('post', 'cache').log).toMatch(/2 pushed/);
});
