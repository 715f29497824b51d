/**
 * What the start of the action costs a job: main with a healthy HTTP cache, preflight included, over the bare start of the bundle.
 *
 *     node bench/preflight.ts [--runs 9]
 */
import { BARE_START, createMachine } from '../__tests__/support/machine.ts';
import { startNginx } from '../__tests__/support/nginx.ts';
import { runJob, uses } from '../__tests__/support/runner.ts';
import { testedVersions } from '../__tests__/support/versions.ts';
import { ensureRoots } from '../scripts/roots.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { shown } from './closures.ts';

const runs = Number(process.argv[process.argv.indexOf('--runs') + 1] ?? '9') || 9;
const secret = formatSecretKey(generateKey('bench-1'));
const versions = testedVersions();
await ensureRoots([...versions, '2.8'], console.log);

await using nginx = await startNginx();
for (const nix of versions) {
	await using machine = await createMachine({ nix });
	const inputs = { cache: nginx.url, username: nginx.username, password: nginx.password, 'signing-key': secret };
	const seconds: Record<'bare' | 'auto' | 'false', number[]> = { bare: [], auto: [], false: [] };
	for (let index = 0; index <= runs; index++) {
		const startedMs = performance.now();
		await machine.run(BARE_START);
		seconds.bare.push((performance.now() - startedMs) / 1000);
		for (const continuous of ['auto', 'false'] as const) {
			const job = await runJob(machine, [uses({ with: { ...inputs, continuous }, local: true })]);
			if (job.status !== 'success' || job.annotations.length > 0) throw new Error(job.log);
			seconds[continuous].push(job.stage('main').durationMs / 1000);
		}
	}
	// The first of each warms up.
	const [bare, auto, plain] = [seconds.bare.slice(1), seconds.auto.slice(1), seconds.false.slice(1)];
	console.log(`Nix ${nix}: bundle alone ${shown(bare)}, main ${shown(auto)}, without pushing while the job runs ${shown(plain)}`);
}
