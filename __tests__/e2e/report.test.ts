import { describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { derivation, fixedOutput, textPath } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const secret = formatSecretKey(generateKey('test-1'));

describe.each(testedVersions())('the report of a job, Nix %s', (nix) => {
	it('x', async () => {
		await using machine = await createMachine({ nix });
		const folder = `${machine.work}/cache`;
		const text = textPath('text', 'some text');
		const first = derivation({ name: 'first', script: 'cat $text > $out', env: { text } });
		const local = derivation({ name: 'local', script: 'echo local > $out', env: { allowSubstitutes: 'false' } });
		const second = derivation({ name: 'second', script: 'echo second > $out' });
		const job = `[ (${first}) (${local}) (${fixedOutput('fixed', 'fixed')}) ]`;
		const steps = [uses({ with: { cache: `file://${folder}`, 'signing-key': secret } }), run('nix-build --no-out-link job.nix')];
		const one = await runJob(machine, steps, { workspace: { 'job.nix': job }, secrets: [secret] });
		console.log(one.log, one.stage('post').summary, JSON.stringify(one.reports, null, 1));
		await machine.emptyStore();
		const two = await runJob(machine, steps, { workspace: { 'job.nix': `${job} ++ [ (${second}) ]` }, secrets: [secret] });
		console.log(two.log, two.stage('post').summary, JSON.stringify(two.reports, null, 1));
		expect(two.status).toBe('success');
	});
});
