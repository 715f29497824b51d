import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { derivation } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { RunningJob, Step } from '../support/runner/steps.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { expectOneProblem } from './one-problem.ts';

const secret = formatSecretKey(generateKey('test-1'));

/** Nix itself, which notes each question for path information, and fails or hangs as the files beside it say. */
const NIX = `#!/bin/sh
case " $* " in *" path-info "*)
	echo asked >> /tmp/asked
	[ -e /tmp/hangs ] && exec sleep 300
	left=$(cat /tmp/failures 2>/dev/null || echo 0)
	if [ "$left" -gt 0 ]; then echo $((left - 1)) > /tmp/failures; echo "error: busy" >&2; exit 1; fi
esac
exec /usr/bin/nix "$@"
`;

let machine: Machine;
let server: FaultyServer;
let salts = 0;
beforeAll(async () => {
	[machine, server] = await Promise.all([createMachine({ nix: '2.26' }), startFaultyServer()]);
	machine.writeFile('/usr/local/bin/nix', NIX, 0o755);
});
afterAll(async () => {
	await machine?.dispose();
	await server?.[Symbol.asyncDispose]();
});
beforeEach(() => machine.run(['rm', '-f', '/tmp/asked', '/tmp/hangs', '/tmp/failures']).then(() => undefined));

const action = (more: Readonly<Record<string, string>> = {}): Step =>
	uses({ with: { cache: server.url, 'signing-key': secret, continuous: 'false', ...more } });

/** A job that builds one path, and what its last step does. */
async function job(last: string, more: Readonly<Record<string, string>> = {}, steps: readonly Step[] = []) {
	const single = derivation({ name: `early-${++salts}`, script: 'echo $name > $out' });
	const build = run(`nix-build job.nix; rm -f /tmp/asked; ${last}`);
	return runJob(machine, [action(more), build, ...steps], { workspace: { 'job.nix': single } });
}

describe('what post asks the store before it is loaded', () => {
	it('is asked once', async () => {
		const result = await job('true');
		expect(result.stage('post').log, result.log).toContain('1 pushed');
		expect(await machine.run(['cat', '/tmp/asked'])).toBe('asked');
	});

	it('is asked again when Nix failed', async () => {
		// With and without recursion.
		const result = await job('echo 2 > /tmp/failures');
		expect(result.stage('post').log, result.log).toContain('1 pushed');
		expect(result.annotations).toEqual([]);
		expect(await machine.run(['cat', '/tmp/asked'])).toBe('asked\nasked\nasked');
	});

	it('is told by its failure when that stays', async () => {
		const result = await job('echo 100 > /tmp/failures');
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, 'path-info', 'failed (1): busy');
	});

	it('names a path that is not there, and ends in order', async () => {
		const result = await job('rm result', { paths: 'result' });
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, 'paths: `result` is not there now', 'store paths and links to them');
		expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
	});

	it('holds up neither the undoing of the configuration nor the end of a job that is cancelled', async () => {
		const timers: NodeJS.Timeout[] = [];
		const secretFiles = ['nix.conf', 'netrc'];
		let left: readonly string[] = ['not looked yet'];
		const cancel = (running: RunningJob): void => {
			const lookUp = (): readonly string[] =>
				readdirSync(running.machine.outside(running.place.temp), { recursive: true, encoding: 'utf8' });
			const before = lookUp().filter((name) => secretFiles.some((end) => name.endsWith(end)));
			expect(before).not.toEqual([]);
			// Nix hangs, and nobody has cancelled anything yet.
			timers.push(setTimeout(() => (left = lookUp().filter((name) => before.includes(name))), 1_500));
			for (const [signal, afterMs] of [
				['SIGINT', 2_000],
				['SIGTERM', 9_500],
				['SIGKILL', 12_000],
			] as const)
				timers.push(setTimeout(() => running.running?.kill(signal), afterMs));
		};
		const result = await job('touch /tmp/hangs', {}, [cancel]);
		for (const timer of timers) clearTimeout(timer);
		expect(left).toEqual([]);
		expect(result.stage('post').signal, result.log).toBeNull();
		expect(result.stage('post').durationMs).toBeLessThan(11_000);
		expect(result.orphans).toEqual([]);
		expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
	});
});
