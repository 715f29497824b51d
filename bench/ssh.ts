/**
 * The end of a job (the whole post process) with a store behind SSH as the cache, against `nix copy` to the same store: a real sshd with a Nix of its own, on this machine.
 * Both in turn, each time into an empty store, after one pair to warm up.
 *
 *     node bench/ssh.ts [--nix 2.34] [--runs 5] [ssh] [large] [toolchains] [small]
 */
import { cpus } from 'node:os';
import { buildOne, manyPaths } from '../__tests__/support/derivations.ts';
import { createMachine } from '../__tests__/support/machine.ts';
import { runJob, uses } from '../__tests__/support/runner.ts';
import { startSshStore } from '../__tests__/support/ssh-store.ts';
import { ensureRoots } from '../scripts/roots.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { benchArguments } from './arguments.ts';
import { closureMebibytes, median, shown, storeLarge, storeToolchains } from './closures.ts';

const { nix, runs, wants, has } = benchArguments({ parts: ['large', 'toolchains', 'small'], others: ['ssh'], nix: '2.34' });
const scheme = has('ssh') ? 'ssh' : 'ssh-ng';

await ensureRoots([nix, '2.8', '2.26'], console.log);
await using far = await startSshStore({ nix });
await using machine = await createMachine({ nix });
far.admit(machine);
const url = far.url(scheme);
const secret = formatSecretKey(generateKey('bench-1'));
console.log(
	`Nix ${machine.nixVersion}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, ${scheme}, ${runs} runs each after one to warm up`,
);

async function compare(name: string, paths: readonly string[]): Promise<void> {
	const [ours, theirs, ratios]: [number[], number[], number[]] = [[], [], []];
	for (let index = 0; index <= runs; index++) {
		await far.machine.emptyStore();
		const job = await runJob(machine, [uses({ with: { cache: url, 'signing-key': secret, paths: paths.join('\n') } })]);
		if (job.status !== 'success' || job.annotations.length > 0) throw new Error(job.log);
		const seconds = job.stage('post').durationMs / 1000;
		await far.machine.emptyStore();
		const startedMs = performance.now();
		await machine.nix(['copy', '--to', url, '--no-check-sigs', ...paths], { timeoutMs: 600_000 });
		const copied = (performance.now() - startedMs) / 1000;
		if (index === 0) continue;
		ours.push(seconds);
		theirs.push(copied);
		ratios.push(seconds / copied);
	}
	console.log(`${name}: post ${shown(ours)}, nix copy ${shown(theirs)}: ${median(ratios).toFixed(2)} times its time`);
}

if (wants('toolchains')) {
	const closure = await storeToolchains(machine, 'ssh');
	await compare(`a closure of ${await closureMebibytes(machine, closure)} MiB`, closure);
}
if (wants('large')) {
	const closure = await storeLarge(machine, 'ssh', true);
	await compare(`a closure of ${await closureMebibytes(machine, closure)} MiB`, closure);
}
if (wants('small')) await compare('1,500 small paths', [await buildOne(machine, manyPaths(1500, 'ssh'))]);
