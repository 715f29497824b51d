import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { derivation, largePath } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import type { RunningJob, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';

const secret = formatSecretKey(generateKey('test-1'));

let machine: Machine;
let large: string;
let folder: string;
beforeAll(async () => {
	machine = await createMachine({ nix: '2.26' });
	await machine.run(['sh', '-c', 'mkdir -p /small && mount -t tmpfs -o size=2m tmpfs /small']);
	large = await largePath(machine, 'large', 60);
	folder = join(machine.work, 'cache');
});
afterAll(async () => {
	await machine?.run(['umount', '-l', '/small']);
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

/** Leaves 2 MiB where NARs are packed that go elsewhere, less than the large one takes. A link, and not a mount: what post may remove like its own. */
const leaveLittleRoom = async ({ place }: RunningJob): Promise<void> => {
	await machine.run(['sh', '-c', `for d in ${place.temp}/nix-cache-action-*/; do ln -s /small "$d/spool"; done`]);
};

/** `poll` is called again and again from the end of the build on. */
async function job(
	more: Readonly<Record<string, string>> = {},
	poll: (running: RunningJob) => void = () => undefined,
	...last: readonly Step[]
) {
	// Pushed at the end alone: the tests look for what is packed then.
	const inputs = { cache: `file://${folder}`, 'signing-key': secret, continuous: 'false', ...more };
	let timer: NodeJS.Timeout | undefined;
	const watch = (running: RunningJob): void => {
		mkdirSync(join(folder, 'nar'), { recursive: true });
		timer = setInterval(() => poll(running), 2);
	};
	const steps = [uses({ with: inputs }), run('nix-build --no-out-link job.nix -A user'), watch, ...last];
	const options = { workspace: { 'job.nix': expression() }, secrets: [secret] };
	const result = await runJob(machine, steps, options).finally(() => clearInterval(timer));
	assertNoSecrets(result);
	return result;
}

const inNar = (): readonly string[] => readdirSync(join(folder, 'nar'));
const unfinished = (): readonly string[] => inNar().filter((name) => name.startsWith('.'));

describe('a push to one folder and nowhere else', () => {
	it('packs right there, with the rights that other files get, and leaves nothing but the cache', async () => {
		const first = await job({}, undefined, leaveLittleRoom);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations).toEqual([]);
		expect(checkCache(folder)).toHaveLength(3);
		expect(unfinished()).toEqual([]);
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
	const elsewhere = (): string => join(machine.work, 'other');
	const both = () => ({ cache: `file://${folder}\nfile://${elsewhere()}` });
	beforeEach(() => rmSync(elsewhere(), { recursive: true, force: true }));

	it('brings the same to both', async () => {
		const result = await job(both());
		expect(result.annotations, result.log).toEqual([]);
		expect([folder, elsewhere()].map((cache) => checkCache(cache).length)).toEqual([3, 3]);
		expect(unfinished()).toEqual([]);
	});

	it('packs in a place of its own, from where both get it', async () => {
		const result = await job(both(), undefined, leaveLittleRoom);
		const messages = result.annotations.map(({ message }) => message);
		expect(messages, result.log).toEqual([
			expect.stringContaining('/spool to pack /nix/store/'),
			expect.stringContaining('/spool to pack /nix/store/'),
		]);
		// The small one needs no room.
		expect([folder, elsewhere()].map((cache) => checkCache(cache).length)).toEqual([1, 1]);
		expect(unfinished()).toEqual([]);
	});
});
