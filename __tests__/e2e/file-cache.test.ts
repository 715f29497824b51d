import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const secret = formatSecretKey(generateKey('test-1'));
const build = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

describe.each(testedVersions())('a folder as the cache, Nix %s', (nix) => {
	it('takes what a job built, gives it to the next one, and is asked for no more', async () => {
		await using machine = await createMachine({ nix });
		const folder = join(machine.work, 'share', 'nix');
		const options = { workspace: { 'job.nix': graph(`file-${nix}`) }, secrets: [secret] };
		const steps = [uses({ with: { cache: `file://${folder}?priority=10`, 'signing-key': secret } }), build];
		const first = await runJob(machine, steps, options);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('main').outputs).toMatchObject({
			cache: 'file',
			'can-push': 'true',
			substituters: `file://${folder}?priority=10`,
		});
		expect(first.stage('post').log).toMatch(/5 pushed/);
		expect(checkCache(folder).length).toBe(5);
		await machine.emptyStore();
		const second = await runJob(machine, steps, options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
		assertNoSecrets(second);
	});
});

it('a folder that this user may not write in costs the push, not the job', async () => {
	await using machine = await createMachine({ nix: '2.26' });
	machine.addUser('runner');
	await machine.startDaemon({ trustedUsers: ['runner'] });
	const folder = join(machine.work, 'locked');
	mkdirSync(folder, { mode: 0o755 });
	const options = { user: 'runner', workspace: { 'job.nix': graph('locked') }, secrets: [secret] };
	const result = await runJob(machine, [uses({ with: { cache: `file://${folder}`, 'signing-key': secret } }), build], options);
	expect(result.status, result.log).toBe('success');
	expect(
		result.annotations.map(({ message }) => message),
		result.log,
	).toEqual([expect.stringMatching(/EACCES.*Give this job's user the right to read and write that folder/s)]);
});

it('a daemon that opens the new folder as root leaves it to the user of the job', async () => {
	await using machine = await createMachine({ nix: '2.34' });
	machine.addUser('runner');
	await machine.startDaemon({ trustedUsers: ['runner'] });
	const folder = join(machine.work, 'share');
	await machine.run(['mkdir', '-m', '777', folder]);
	const options = { user: 'runner', workspace: { 'job.nix': graph('daemon') }, secrets: [secret] };
	const result = await runJob(
		machine,
		[uses({ with: { cache: `file://${folder}/nix`, 'signing-key': secret } }), build],
		options,
	);
	expect(result.annotations, result.log).toEqual([]);
	expect(checkCache(join(folder, 'nix')).length, result.log).toBe(5);
});
