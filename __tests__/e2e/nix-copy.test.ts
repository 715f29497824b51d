import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { eventually } from '../support/child.ts';
import { build, derivation, GRAPH, graph, largePath } from '../support/derivations.ts';
import { createMachine, type Machine } from '../support/machine.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { type SshStore, startSshStore } from '../support/ssh-store.ts';
import { testedVersions } from '../support/versions.ts';
import { expectOneProblem, problems } from './one-problem.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
const buildGraph = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

/** For jobs whose steps change the paths between build and push. */
const AT_THE_END = { continuous: 'false' };

/** Everything valid in the far store is whole and, when built by us, signed with our key. Answers with the names. */
async function checkFar({ machine }: SshStore, trustedKey = publicKey): Promise<readonly string[]> {
	const paths = (await machine.nix(['path-info', '--all'])).split('\n').filter((line) => line !== '');
	if (paths.length === 0) return [];
	await machine.run(['nix-store', '--verify', '--check-contents']);
	await machine.nix(['store', 'verify', '--all', '--no-contents', '--option', 'trusted-public-keys', trustedKey]);
	return paths.map((path) => path.slice('/nix/store/'.length + 33)).sort();
}

/** Versions meet that are far apart. */
const OTHER_SIDE = { '2.8': '2.34', '2.26': '2.8', '2.34': '2.8' } as const;

describe.each(testedVersions())('a store behind SSH as the cache, Nix %s', (nix) => {
	it.each(['ssh-ng', 'ssh'] as const)(
		'takes by %s what a job built, gives it to the next one, and is asked for no more',
		async (scheme) => {
			await using far = await startSshStore({ nix: scheme === 'ssh' ? OTHER_SIDE[nix] : nix });
			await using machine = await createMachine({ nix });
			far.admit(machine);
			const options = { workspace: { 'job.nix': graph(`copy-${nix}-${scheme}`) }, secrets: [secret] };
			const steps = [uses({ with: { cache: far.url(scheme), 'signing-key': secret } }), buildGraph];
			const first = await runJob(machine, steps, options);
			expect(first.status, first.log).toBe('success');
			expect(problems(first), first.log).toEqual([]);
			expect(first.stage('main').outputs).toMatchObject({ cache: 'nix-copy', 'can-push': 'true', substituters: far.url(scheme) });
			expect(first.stage('post').log, first.log).toMatch(/5 pushed/);
			expect((await checkFar(far)).length).toBe(5);
			await machine.emptyStore();
			const second = await runJob(machine, steps, options);
			expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
			expect(second.stage('post').log, second.log).toContain('Nothing new to push');
			expect(problems(second), second.log).toEqual([]);
			assertNoSecrets(second);
		},
	);
});

describe("a store behind SSH that can't be used", () => {
	let far: SshStore;
	let machine: Machine;
	beforeAll(async () => {
		[far, machine] = await Promise.all([startSshStore({ nix: '2.26' }), createMachine({ nix: '2.26' })]);
	});
	afterAll(async () => {
		await machine?.dispose();
		await far?.[Symbol.asyncDispose]();
	});
	const otherKey = (): Promise<string> =>
		machine.run(['sh', '-c', 'rm -f k k.pub; ssh-keygen -q -t ed25519 -N "" -C test -f k && cat k']);
	/** A job whose one annotation has these texts, at main. */
	const expectSaid = async (cache: string, ...texts: readonly string[]): Promise<void> => {
		const result = await runJob(machine, [uses({ with: { cache, 'signing-key': secret, fallback: 'none' } })], {
			secrets: [secret],
		});
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, ...texts, 'The job goes on without this cache.');
		expect(result.stage('main').log).toContain(texts[0]);
	};

	it('because its key is another one', async () => {
		far.admit(machine, { key: `${await otherKey()}\n` });
		await expectSaid(
			far.url('ssh-ng'),
			'does not let this user in with the SSH keys of this job',
			'ssh-agent',
			'authorized_keys',
		);
		await expectSaid(far.url('ssh'), 'does not let this user in with the SSH keys of this job');
	});

	it('because there is no key', async () => {
		far.admit(machine, { key: null });
		await expectSaid(far.url('ssh-ng', 'ssh-key=/nowhere/key'), "the key file /nowhere/key can't be read");
	});

	it('because the host is not known', async () => {
		far.admit(machine, { hostKey: null });
		await expectSaid(far.url('ssh-ng'), 'its SSH host key is not known here', 'known_hosts');
	});

	it('because the host has another key than it had', async () => {
		await using other = await startSshStore({ nix: '2.26' });
		far.admit(machine, { hostKey: other.hostKey });
		await expectSaid(far.url('ssh'), 'its SSH host key is another one than the one that is known here');
	});

	it('because there is no Nix', async () => {
		await using bare = await startSshStore({ nix: '2.26', sshd: ['SetEnv PATH=/nowhere'] });
		bare.admit(machine);
		await expectSaid(bare.url('ssh-ng'), 'there is no `nix-daemon` in the PATH of an SSH command', 'remote-program');
		await expectSaid(bare.url('ssh'), 'there is no `nix-store` in the PATH of an SSH command');
	});

	it('because nobody answers, or it has no such name', async () => {
		await using gone = await startSshStore({ nix: '2.26' });
		gone.admit(machine);
		await gone.stop();
		await expectSaid(gone.url('ssh-ng'), 'no SSH connection comes about (Connection refused)', 'Is sshd running there');
		await expectSaid('ssh-ng://ci@no.such.host', 'its host name is not known');
		await expectSaid(`ssh-ng://ci@127.0.0.1:${gone.port}`, 'this version of Nix takes no port in a store URL', '~/.ssh/config');
	});
});

describe('a store behind SSH', () => {
	const filters = `rec {
		secret = ${derivation({ name: 'secret', script: 'echo secret > $out' })};
		wrapper = ${derivation({ name: 'wrapper', script: 'echo $secret > $out', env: { secret: 'secret' } })};
		big = ${derivation({ name: 'big', script: 'head -c 200000 /dev/zero > $out' })};
		reader = ${derivation({ name: 'reader', script: 'echo $big > $out', env: { big: 'big' } })};
		other = ${derivation({ name: 'other', script: 'echo other > $out' })};
	}`;

	it('gets nothing that is excluded or too large, nor what needs it', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const inputs = { cache: far.url('ssh-ng'), 'signing-key': secret, exclude: '-secret$', 'max-path-size': '100 kB' };
		const steps = [uses({ with: inputs }), run('nix-build --no-out-link job.nix -A wrapper -A reader -A other')];
		const result = await runJob(machine, steps, { workspace: { 'job.nix': filters } });
		expect(problems(result), result.log).toEqual([]);
		expect(await checkFar(far)).toEqual(['other']);
	});

	it('gets what an upstream signed where a path of the job needs it, since it takes none without; a binary cache does not', async () => {
		const upstream = generateKey('upstream-1');
		await using far = await startSshStore({ nix: '2.26' });
		await using machine = await createMachine({ nix: '2.26' });
		far.admit(machine);
		machine.writeFile('/root/upstream', formatSecretKey(upstream), 0o600);
		const [base, , tool] = await build(machine, graph('signed'), { attributes: GRAPH });
		const sign = run(`nix --extra-experimental-features nix-command store sign --key-file /root/upstream ${base} ${tool}`);
		await machine.emptyStore();
		const folder = join(machine.work, 'share');
		const cache = `${far.url('ssh-ng')}\nfile://${folder}`;
		const inputs = { cache, 'signing-key': secret, 'skip-signed-by': 'upstream-1', ...AT_THE_END };
		const steps = [uses({ with: inputs }), buildGraph, sign];
		const result = await runJob(machine, steps, { workspace: { 'job.nix': graph('signed') } });
		expect(problems(result), result.log).toEqual([]);
		expect(await checkFar(far)).toEqual(['app-signed', 'app-signed-doc', 'base-signed', 'lib-signed']);
		expect(readdirSync(folder).filter((name) => name.endsWith('.narinfo')).length, result.log).toBe(3);
	});

	it('gets all but a path that is damaged here and what refers to it', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const damage = run('f=$(ls -d /nix/store/*-lib-damaged)/lib; chmod u+w $f; echo more >> $f; chmod u-w $f');
		const steps = [uses({ with: { cache: far.url('ssh-ng'), 'signing-key': secret, ...AT_THE_END } }), buildGraph, damage];
		const result = await runJob(machine, steps, { workspace: { 'job.nix': graph('damaged') } });
		expect(result.status, result.log).toBe('success');
		expectOneProblem(result, '3 failed', "lib-damaged is not what this machine's store says it is", 'nix-store --verify-path');
		expect(await checkFar(far)).toEqual(['base-damaged', 'tool-damaged']);
	});

	it('that does not trust the user takes what a key that it trusts has signed, and says so of the rest', async () => {
		await using open = await startSshStore({ nix: '2.26', trusted: false, conf: [`extra-trusted-public-keys = ${publicKey}`] });
		await using closed = await startSshStore({ nix: '2.26', trusted: false });
		await using machine = await createMachine({ nix: '2.26' });
		const job = (far: SshStore) => {
			far.admit(machine);
			const steps = [uses({ with: { cache: far.url('ssh-ng'), 'signing-key': secret, ...AT_THE_END } }), buildGraph];
			return runJob(machine, steps, { workspace: { 'job.nix': graph(`untrusted-${far.port}`) } });
		};
		const taken = await job(open);
		expect(problems(taken), taken.log).toEqual([]);
		expect(taken.stage('main').log).toContain('does not trust this user');
		expect((await checkFar(open)).length).toBe(5);
		const refused = await job(closed);
		expect(refused.status, refused.log).toBe('success');
		expectOneProblem(
			refused,
			'5 failed',
			'does not trust this user',
			'has no signature by a key that it trusts',
			'trusted-public-keys',
		);
		expect(await checkFar(closed)).toEqual([]);
	});

	it('signs there when the daemon of an old Nix takes no signatures of this user', async () => {
		await using far = await startSshStore({ nix: '2.26' });
		await using machine = await createMachine({ nix: '2.8' });
		machine.addUser('runner');
		await machine.startDaemon();
		far.admit(machine, { user: 'runner' });
		const steps = [uses({ with: { cache: far.url('ssh-ng'), 'signing-key': secret, fallback: 'none' } }), buildGraph];
		const result = await runJob(machine, steps, {
			user: 'runner',
			workspace: { 'job.nix': graph('old-daemon') },
			secrets: [secret],
		});
		expect(result.stage('post').log, result.log).toMatch(/5 pushed.*Read back 5 of the pushed paths: all well/s);
		expect((await checkFar(far)).length).toBe(5);
		assertNoSecrets(result);
	});

	it('is not believed to have what it lacks where there is no room for what Nix says of it', async () => {
		await using far = await startSshStore({ nix: '2.26' });
		await using machine = await createMachine({ nix: '2.26' });
		far.admit(machine);
		const paths = await build(machine, graph('no-room'), { attributes: GRAPH });
		await machine.run([
			'sh',
			'-c',
			'mkdir /small && mount -t tmpfs -o size=64k tmpfs /small && ! cat /dev/zero 2> /dev/null > /small/full',
		]);
		const inputs = { cache: far.url('ssh-ng'), 'signing-key': secret, paths: paths.join('\n') };
		const result = await runJob(machine, [uses({ with: inputs })], { env: { TMPDIR: '/small' }, secrets: [secret] });
		await machine.run(['umount', '-l', '/small']);
		expectOneProblem(result, 'No file can be written in /small (ENOSPC)', 'set `TMPDIR`');
		expect(await checkFar(far)).toEqual([]);
	});

	it('lets the job in with the key of an ssh-agent', async () => {
		await using far = await startSshStore({ nix: '2.26' });
		await using machine = await createMachine({ nix: '2.26' });
		far.admit(machine, { key: null });
		machine.writeFile('/root/key', far.key, 0o600);
		const env = { SSH_AUTH_SOCK: '/run/agent' };
		machine.spawn(['ssh-agent', '-D', '-a', env.SSH_AUTH_SOCK]);
		await eventually('an ssh-agent with the key', async () => (await machine.exec(['ssh-add', '/root/key'], { env })).code === 0);
		const steps = [uses({ with: { cache: far.url('ssh-ng'), 'signing-key': secret } }), buildGraph];
		const result = await runJob(machine, steps, { workspace: { 'job.nix': graph('agent') }, env });
		expect(problems(result), result.log).toEqual([]);
		expect((await checkFar(far)).length).toBe(5);
	});

	it('is whole when the job is cancelled in the middle', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const large = await largePath(machine, 'large', 300);
		const steps = [
			uses({ with: { cache: far.url('ssh-ng'), 'signing-key': secret, ...AT_THE_END } }),
			run('nix-build --no-out-link job.nix'),
		];
		const user = derivation({ name: 'user', script: 'echo $large > $out', env: { large: 'large' } });
		const result = await runJob(machine, steps, {
			workspace: { 'job.nix': `rec { large = ${large}; user = ${user}; }` },
			onLine: (line, job) => {
				if (line.includes('`nix copy` of 2 paths')) setTimeout(() => job.running?.kill('SIGINT'), 300);
			},
		});
		expectOneProblem(result, '2 out of time');
		expect(await checkFar(far)).toEqual([]);
		expect(result.orphans).toEqual([]);
	});
});

describe.each(testedVersions())('a store behind SSH, Nix %s', (nix) => {
	it('is read by the daemon of a multi-user install when the URL has the keys, and else only pushed to', async () => {
		await using far = await startSshStore({ nix });
		await using machine = await createMachine({ nix });
		machine.addUser('runner');
		await machine.startDaemon({ trustedUsers: ['runner'] });
		far.admit(machine, { user: 'runner' });
		// The daemon's ssh is root's: it finds the address of the host there, and neither key.
		machine.writeFile(
			'/etc/ssh/ssh_config',
			`Host ${far.host}\nHostName 127.0.0.1\nPort ${far.port}\nHostKeyAlias ${far.host}\n`,
		);
		const options = { user: 'runner', workspace: { 'job.nix': graph('daemon') }, secrets: [secret] };
		const job = (parameters: string) =>
			runJob(
				machine,
				[uses({ with: { cache: far.url('ssh-ng', parameters), 'signing-key': secret, fallback: 'none' } }), buildGraph],
				options,
			);
		const first = await job('');
		expectOneProblem(first, 'Nix does not read from', 'ssh-key=/file');
		expect(first.stage('main').outputs).toMatchObject({ 'can-push': 'true', substituters: '' });
		expect((await checkFar(far)).length, first.log).toBe(5);
		await machine.emptyStore();
		const hostKey = encodeURIComponent(Buffer.from(far.hostKey).toString('base64'));
		const second = await job(`ssh-key=/home/runner/.ssh/${far.host}&base64-ssh-public-host-key=${hostKey}`);
		expect(problems(second), second.log).toEqual([]);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		assertNoSecrets(second);
	});
});

it.each(testedVersions())('a store in another folder of this machine takes what a job built, Nix %s', async (nix) => {
	await using machine = await createMachine({ nix });
	const cache = `local?root=${machine.work}/other`;
	const steps = [uses({ with: { cache, 'signing-key': secret } }), buildGraph];
	const first = await runJob(machine, steps, { workspace: { 'job.nix': graph('local') } });
	expect(problems(first), first.log).toEqual([]);
	expect((await machine.nix(['path-info', '--all', '--store', cache])).split('\n').length).toBe(5);
	await machine.emptyStore();
	const second = await runJob(machine, steps, { workspace: { 'job.nix': graph('local') } });
	expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
});

it.each(testedVersions())('signs what it copies on a runner whose folder has blanks in its name, Nix %s', async (nix) => {
	await using machine = await createMachine({ nix });
	const cache = `local?root=${machine.work}/other`;
	const options = { workspace: { 'job.nix': graph('blanks') }, folder: 'my runner' };
	const result = await runJob(machine, [uses({ with: { cache, 'signing-key': secret } }), buildGraph], options);
	expect(problems(result), result.log).toEqual([]);
	expect(result.stage('post').log, result.log).toMatch(/5 pushed/);
	await machine.nix([
		'store',
		'verify',
		'--all',
		'--no-contents',
		'--store',
		cache,
		'--option',
		'trusted-public-keys',
		publicKey,
	]);
	expect(result.leftovers.filter((name) => !name.includes('report'))).toEqual([]);
});
