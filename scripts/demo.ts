/**
 * `npm run demo`: a whole job, twice, on an embedded HTTP cache. The first one builds and pushes; then the store is emptied, and the second one finds
 * everything in the cache and builds nothing. Everything happens in a private system with a real Nix; nothing of this machine's Nix is touched.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { GRAPH, graph } from '../__tests__/support/derivations.ts';
import { httpCache } from '../__tests__/support/http-cache.ts';
import { createMachine } from '../__tests__/support/machine.ts';
import type { JobResult } from '../__tests__/support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../__tests__/support/runner.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { ensureRoots } from './roots.ts';
import { continueAsRoot } from './system/privilege.ts';

const NIX = '2.26';
const credentials = { username: 'ci', password: 'demo-password-of-no-value' };
const secret = formatSecretKey(generateKey('demo-1'));

const say = (line = ''): void => console.log(line);

/** What the job's own steps and the action say, without the runner's noise. */
function show(result: JobResult): void {
	for (const stage of result.stages) {
		const lines = stage.log.split('\n').filter((line) => line.trim() !== '');
		say(`  ${stage.stage === 'run' ? 'nix-build' : `nix-cache-action, ${stage.stage}`}`);
		for (const line of lines) say(`    ${line}`);
	}
}

function expect(condition: boolean, what: string): void {
	if (!condition) throw new Error(`The demo went wrong: ${what}.`);
	say(`  ✓ ${what}`);
}

async function demo(): Promise<void> {
	await ensureRoots([NIX], say);
	await using machine = await createMachine({ nix: NIX });
	const folder = join(machine.work, 'cache');
	mkdirSync(folder);
	const handle = httpCache({ folder, basePath: '/nix/', credentials: `${credentials.username}:${credentials.password}` });
	const server = createServer((request, response) => {
		handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	const port = typeof address === 'object' ? address?.port : undefined;
	const cache = `http://127.0.0.1:${port}/nix`;
	const inputs = { cache, ...credentials, 'signing-key': secret };
	const job = (): Promise<JobResult> =>
		runJob(
			machine,
			[uses({ with: inputs }), run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`)],
			{
				secrets: [credentials.password, secret],
				workspace: { 'job.nix': graph('demo') },
			},
		);
	const built = (result: JobResult): number => result.stage('run').log.match(/^building '/gm)?.length ?? 0;
	try {
		say(`\nNix ${machine.nixVersion}; an empty cache at ${cache}, with a password; signatures are required.`);
		say('\nFirst job');
		const first = await job();
		show(first);
		expect(first.status === 'success', 'the job is green');
		expect(built(first) === GRAPH.length, `${built(first)} derivations were built`);
		const narinfos = readdirSync(folder).filter((name) => name.endsWith('.narinfo'));
		expect(narinfos.length === 5, `${narinfos.length} paths are in the cache`);

		say('\nThe store is emptied: another machine.');
		await machine.emptyStore();
		say('\nSecond job');
		const second = await job();
		show(second);
		expect(second.status === 'success', 'the job is green');
		expect(built(second) === 0, 'nothing was built');
		expect(/copying path/.test(second.stage('run').log), 'everything came from the cache');
		expect(/Nothing new to push/.test(second.stage('post').log), 'and nothing was pushed again');
		for (const result of [first, second]) assertNoSecrets(result);
		expect(true, 'no secret was seen in a log, an argument list or a file that others can read');
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

continueAsRoot('The demo', say);
await demo();
