import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { derivation, largePath } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { RunningJob } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';

const secret = formatSecretKey(generateKey('test-1'));

let machine: Machine;
let large: string;
let folder: string;
beforeAll(async () => {
	machine = await createMachine({ nix: '2.26' });
	large = await largePath(machine, 'large', 60);
	folder = join(machine.work, 'cache');
});
afterAll(async () => {
	await machine?.dispose();
});
beforeEach(async () => {
	rmSync(folder, { recursive: true, force: true });
	await machine.emptyStore();
});

/** Of two paths, one of them too large for memory, and one that refers to both. */
const user = () => derivation({ name: 'user', script: 'echo $large $small > $out', env: { large: 'large', small: 'small' } });
const expression = () =>
	`rec { large = ${large}; small = ${derivation({ name: 'small', script: 'echo small > $out' })}; user = ${user()}; }`;

/** `poll` is called again and again from the end of the build on. */
async function job(more: Readonly<Record<string, string>> = {}, poll: (running: RunningJob) => void = () => undefined) {
	// Pushed at the end alone: the tests look for what is packed then.
	const inputs = { cache: `file://${folder}`, 'signing-key': secret, continuous: 'false', ...more };
	let timer: NodeJS.Timeout | undefined;
	const watch = (running: RunningJob): void => {
		mkdirSync(join(folder, 'nar'), { recursive: true });
		timer = setInterval(() => poll(running), 2);
	};
	const steps = [uses({ with: inputs }), run('nix-build --no-out-link job.nix -A user'), watch];
	const options = { workspace: { 'job.nix': expression() }, secrets: [secret] };
	const result = await runJob(machine, steps, options).finally(() => clearInterval(timer));
	assertNoSecrets(result);
	return result;
}

const inNar = (): readonly string[] => readdirSync(join(folder, 'nar'));
const unfinished = (): readonly string[] => inNar().filter((name) => name.startsWith('.'));

const inodeOf = (name: string): number => statSync(join(folder, 'nar', name), { throwIfNoEntry: false })?.ino ?? -1;

describe('a push to one folder and nowhere else', () => {
	it('packs right there, with the rights that other files get, and leaves nothing but the cache', async () => {
		const seen = new Set<number>();
		const first = await job({}, () => {
			for (const name of unfinished()) seen.add(inodeOf(name));
		});
		expect(first.status, first.log).toBe('success');
		expect(first.annotations).toEqual([]);
		expect(checkCache(folder)).toHaveLength(3);
		expect(unfinished()).toEqual([]);
		const [nar = ''] = inNar().toSorted((a, b) => statSync(join(folder, 'nar', b)).size - statSync(join(folder, 'nar', a)).size);
		expect(seen).toContain(inodeOf(nar));
		const modes = new Set(inNar().map((name) => statSync(join(folder, 'nar', name)).mode & 0o777));
		expect([...modes]).toEqual([0o644]);
		await machine.emptyStore();
		const second = await job();
		expect(second.stage('run').log).not.toMatch(/^building '/m);
		expect(second.stage('post').log).toContain('Nothing new to push');
	});

	it.each(['SIGTERM', 'SIGKILL'] as const)(
		'%s in the middle leaves a whole cache, and the next job does the rest',
		async (signal) => {
			// Takes half a minute.
			const result = await job({ 'compression-level': '19' }, ({ running }) => {
				if (unfinished().length > 0) running?.kill(signal);
			});
			const post = result.stage('post');
			expect(checkCache(folder).length).toBeLessThan(3);
			if (signal === 'SIGKILL') {
				expect(post.signal).toBe('SIGKILL');
				// Swept by somebody a day later.
				expect(unfinished()).toEqual([expect.stringMatching(/^\.nix-cache-action-[0-9a-f]{16}$/)]);
			} else {
				expect(post.exitCode, result.log).toBe(0);
				expect(unfinished()).toEqual([]);
			}
			await machine.emptyStore();
			const next = await job();
			expect(next.annotations, next.log).toEqual([]);
			expect(checkCache(folder)).toHaveLength(3);
		},
	);
});

describe('a push to a folder and elsewhere', () => {
	it('packs once for both, in a place of its own', async () => {
		const other = join(machine.work, 'other');
		rmSync(other, { recursive: true, force: true });
		const result = await job({ cache: `file://${folder}\nfile://${other}` });
		expect(result.annotations, result.log).toEqual([]);
		expect([folder, other].map((cache) => checkCache(cache).length)).toEqual([3, 3]);
		expect(unfinished()).toEqual([]);
	});
});
