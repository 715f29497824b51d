/**
 * `npm run demo`: a whole job, twice: without any cache, on an embedded service that speaks like GitHub's Actions cache, and then on an embedded HTTP cache with
 * a password. The first one builds and pushes; then the store is emptied, and the second one finds everything there and builds nothing. All of it happens in a private system with a real Nix, through the very files
 * that the runner starts (`dist/`); the Nix of this machine, if it has one, is not touched.
 */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { startCacheService } from '../__tests__/support/cache-service.ts';
import { answer, httpCache } from '../__tests__/support/http-cache.ts';
import { createMachine, type Machine } from '../__tests__/support/machine.ts';
import type { JobResult } from '../__tests__/support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../__tests__/support/runner.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { ensureRoots } from './roots.ts';
import { continueAsRoot } from './system/privilege.ts';

const NIX = '2.26';
const ATTRIBUTES = ['sieve', 'primes', 'twins', 'report'];
const EXPRESSION = readFileSync(join(import.meta.dirname, 'demo', 'primes.nix'), 'utf8');
const BUILD = `nix-build --no-out-link primes.nix ${ATTRIBUTES.map((name) => `-A ${name}`).join(' ')}`;

const credentials = { username: 'ci', password: 'correct-horse-battery-staple' };
const signingKey = formatSecretKey(generateKey('demo-1'));

const say = (line = ''): void => console.log(line);

/** The embedded cache: any HTTP server that takes PUT would do. */
async function startCache(folder: string): Promise<AsyncDisposable & { readonly url: string }> {
	const handle = httpCache({ folder, basePath: '/nix/', credentials: `${credentials.username}:${credentials.password}` });
	const server = createServer((request, response) => {
		handle(request, response).catch(() => answer(response, 500));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
	return {
		url: `http://127.0.0.1:${address.port}/nix`,
		async [Symbol.asyncDispose]() {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

/** A job as in the README: this action, then a build. */
async function playJob(
	machine: Machine,
	inputs: Readonly<Record<string, string>>,
	actions: Readonly<Record<string, string>>,
): Promise<JobResult> {
	const result = await runJob(machine, [uses({ with: inputs }), run(BUILD)], {
		actions,
		secrets: [
			credentials.password,
			signingKey,
			...Object.entries(actions).flatMap(([name, value]) => (name.endsWith('_TOKEN') ? [value] : [])),
		],
		workspace: { 'primes.nix': EXPRESSION },
	});
	show(result);
	expect(result.status === 'success', 'the job is green');
	assertNoSecrets(result);
	return result;
}

/** What the steps said; of nix-build what it did, not what it was going to do. */
function show(result: JobResult): void {
	for (const stage of result.stages) {
		const isBuild = stage.stage === 'run';
		say(`  ${isBuild ? `$ ${BUILD}` : `nix-cache-action, ${stage.stage}`}  (${seconds(stage.durationMs)})`);
		for (const line of stage.log.split('\n')) {
			if (line.trim() !== '' && (!isBuild || /^(building|copying|error)/.test(line))) say(`    ${line}`);
		}
	}
}

function expect(condition: boolean, what: string): void {
	if (!condition) throw new Error(`the demo went wrong, this is not so: ${what}`);
	say(`  ✓ ${what}`);
}

function count(text: string, pattern: RegExp): number {
	return text.match(pattern)?.length ?? 0;
}

function seconds(timeMs: number): string {
	return `${(timeMs / 1000).toFixed(1)} s`;
}

/** A reader with the password but without the public key: what is in the cache is worth nothing to it. */
async function buildWithoutKey(machine: Machine, cache: string): Promise<string> {
	const { hostname } = new URL(cache);
	machine.writeFile(
		'/etc/nix/netrc',
		`machine ${hostname} login ${credentials.username} password ${credentials.password}\n`,
		0o600,
	);
	machine.writeFile('/root/primes.nix', EXPRESSION);
	return (await machine.exec([...BUILD.split(' '), '--option', 'substituters', cache])).stderr;
}

/** Two jobs, each on a machine whose store is empty. How long the builds took. */
async function playTwice(machine: Machine, play: () => Promise<JobResult>, stored: () => Promise<string>): Promise<string> {
	say('\nFirst job: nothing is in the cache');
	const first = await play();
	expect(count(first.stage('run').log, /^building '/gm) === ATTRIBUTES.length, `${ATTRIBUTES.length} derivations were built`);
	say(`  ✓ ${await stored()}`);

	say('\nSecond job: on a new machine, its store is empty');
	await machine.emptyStore();
	const second = await play();
	expect(count(second.stage('run').log, /^building '/gm) === 0, 'nothing was built');
	expect(
		count(second.stage('run').log, /^copying path '/gm) === ATTRIBUTES.length,
		`${ATTRIBUTES.length} paths came from the cache`,
	);
	expect(count(second.stage('post').log, /Nothing new to push/g) === 1, 'nothing was pushed again');
	const [before, after] = [first, second].map((result) => seconds(result.stage('run').durationMs));
	return `The build took ${before} in the first job and ${after} in the second. No secret was seen where others could read it.`;
}

async function withoutCache(machine: Machine): Promise<void> {
	await using service = await startCacheService();
	say(`\n== Without any cache: the Actions cache, embedded at ${service.url}`);
	const actions = service.environment({ repository: 'octo/example' });
	const stored = async (): Promise<string> => {
		const entries = service.entries();
		expect(entries.length === 2, 'all paths are in one pack and one index');
		return `${entries.map(({ key }) => key).join(' and ')} are in the Actions cache now`;
	};
	say(`\n${await playTwice(machine, () => playJob(machine, {}, actions), stored)}`);
}

async function withHttpCache(machine: Machine): Promise<void> {
	const folder = join(machine.work, 'cache');
	mkdirSync(folder);
	await using cache = await startCache(folder);
	say(`\n== An empty HTTP cache at ${cache.url} with a password, signatures required`);
	const inputs = { cache: cache.url, ...credentials, 'signing-key': signingKey };
	const stored = async (): Promise<string> => {
		const narinfos = readdirSync(folder).filter((name) => name.endsWith('.narinfo')).length;
		expect(narinfos === ATTRIBUTES.length, 'each path has its narinfo');
		return `${narinfos} paths are in the cache now, signed by demo-1`;
	};
	await machine.emptyStore();
	const times = await playTwice(machine, () => playJob(machine, inputs, {}), stored);

	say('\nA reader that does not trust the key demo-1');
	await machine.emptyStore();
	const log = await buildWithoutKey(machine, cache.url);
	const refused = count(log, /not signed by any of the keys/g) > 0;
	expect(refused && count(log, /^building '/gm) === ATTRIBUTES.length, 'takes nothing from the cache and builds all of it');
	say(`\n${times}`);
}

async function demo(): Promise<void> {
	await ensureRoots([NIX], say);
	await using machine = await createMachine({ nix: NIX });
	say(`Nix ${machine.nixVersion}, in a system of its own.`);
	await withoutCache(machine);
	await withHttpCache(machine);
}

try {
	continueAsRoot('Private systems with a Nix of their own', say);
	await demo();
} catch (error) {
	console.error(`\n${error instanceof Error ? error.message : error}`);
	process.exitCode = 1;
}
