import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const src = join(import.meta.dirname, '..', '..', 'src');

it('a command of root that hangs does not hold up the job beyond its time', async () => {
	const program = `
		const { runPhase } = await import('${src}/phases/run.ts');
		const { runAsRoot } = await import('${src}/setup/run-as-root.ts');
		const log = { warning: (text) => console.log(text), debug: () => {} };
		await runPhase('post', { log }, async () => {
			process.exitCode = 3;
			await runAsRoot(['sleep', '30'], { env: process.env, signal: AbortSignal.timeout(300) });
		});
	`;
	const startedMs = performance.now();
	const ended = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]).catch(
		(error: unknown) => error,
	);
	expect(ended).toMatchObject({ code: 3, stdout: expect.stringMatching(/sleep 30` did not end in time/) });
	expect(performance.now() - startedMs).toBeLessThan(15_000);
}, 40_000);
