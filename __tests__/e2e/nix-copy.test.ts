import { describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import type { JobResult } from '../support/runner/job.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { type SshStore, startSshStore } from '../support/ssh-store.ts';
import { testedVersions } from '../support/versions.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
const build = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

const messages = (result: JobResult): readonly string[] => result.annotations.map(({ message }) => message);

/** Everything valid in the far store is whole and, when built by us, signed with our key. Answers with the names. */
async function checkFar({ machine }: SshStore, trustedKey = publicKey): Promise<readonly string[]> {
	const paths = (await machine.nix(['path-info', '--all'])).split('\n').filter((line) => line !== '');
	if (paths.length === 0) return [];
	await machine.run(['nix-store', '--verify', '--check-contents']);
	await machine.nix(['store', 'verify', '--all', '--no-contents', '--option', 'trusted-public-keys', trustedKey]);
	return paths.map((path) => path.slice('/nix/store/'.length + 33)).sort();
}

describe.each(testedVersions())('a store behind SSH as the cache, Nix %s', (nix) => {
	it.each(['ssh-ng', 'ssh'] as const)(
		'takes by %s what a job built, gives it to the next one, and is asked for no more',
		async (scheme) => {
			await using far = await startSshStore({ nix });
			await using machine = await createMachine({ nix });
			far.admit(machine);
			const options = { workspace: { 'job.nix': graph(`copy-${nix}-${scheme}`) }, secrets: [secret] };
			const steps = [uses({ with: { cache: far.url(scheme), 'signing-key': secret } }), build];
			const first = await runJob(machine, steps, options);
			expect(first.status, first.log).toBe('success');
			expect(messages(first), first.log).toEqual([]);
			expect(first.stage('main').outputs).toMatchObject({ cache: 'nix-copy', 'can-push': 'true', substituters: far.url(scheme) });
			expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
			expect((await checkFar(far)).length).toBe(5);
			await machine.emptyStore();
			const second = await runJob(machine, steps, options);
			expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
			expect(second.stage('post').log, second.log).toContain('Nothing new to push');
			expect(messages(second), second.log).toEqual([]);
			assertNoSecrets(second);
		},
	);
});
