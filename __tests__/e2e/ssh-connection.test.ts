import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { eventually } from '../support/child.ts';
import { build, derivation, GRAPH, graph, largePath, manyPaths } from '../support/derivations.ts';
import { CHECKOUT, createMachine, type Machine, NODE } from '../support/machine.ts';
import type { TestStep } from '../support/runner/steps.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { type SshStore, startSshStore } from '../support/ssh-store.ts';
import { testedVersions } from '../support/versions.ts';
import { expectOneProblem, problems } from './one-problem.ts';

const secret = formatSecretKey(generateKey('test-1'));
/** Without reading from the store, which is not what is tested here, and takes connections of its own. */
const buildGraph = run(
	`nix-build --no-out-link --option substitute false job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`,
);

/** A job that pushes at its end alone, and how many SSH connections that took. */
async function playJob(
	far: SshStore,
	machine: Machine,
	{
		cache,
		step = buildGraph,
		files = { 'job.nix': graph(`shared-${far.port}`) },
		env = {},
		atEnd = () => undefined,
		onLine,
	}: {
		readonly cache: string;
		readonly step?: ReturnType<typeof run>;
		readonly files?: Readonly<Record<string, string>>;
		readonly env?: Readonly<Record<string, string>>;
		readonly atEnd?: TestStep;
		readonly onLine?: (line: string) => void;
	},
) {
	let before = 0;
	const inputs = { cache, 'signing-key': secret, continuous: 'false', fallback: 'none' };
	const count: TestStep = () => {
		before = far.connections;
	};
	const result = await runJob(machine, [uses({ with: inputs }), step, atEnd, count], {
		workspace: files,
		env,
		...(onLine && { onLine }),
	});
	return { result, connections: far.connections - before };
}

async function namesIn({ machine }: SshStore): Promise<number> {
	return (await machine.nix(['path-info', '--all'])).split('\n').filter((line) => line !== '').length;
}

/** The processes that hold a connection for others: ours, and what ssh calls itself when it makes one of itself. */
function masters(machine: Machine): readonly number[] {
	return machine.processes().filter((pid) => {
		try {
			return /^ssh(?:\0-M|: \/)/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
		} catch {
			return false;
		}
	});
}

/** Folders of sockets, where RUNNER_TEMP has too long a path for them. */
const leftInTemp = (machine: Machine): readonly string[] =>
	readdirSync(machine.outside('/tmp')).filter((name) => name.startsWith('ssh-'));

/** Versions meet that are far apart. */
const OTHER_SIDE = { '2.8': '2.34', '2.26': '2.8', '2.34': '2.26' } as const;

/** Nix at the other end of a connection, which does not end with it. */
const LASTING = `#!/bin/sh
case "$1" in --serve) nix-store "$@";; *) nix-daemon "$@";; esac
sleep 3
`;

describe.each(testedVersions())('the end of a job with a store behind SSH, Nix %s', (nix) => {
	it.each(['ssh-ng', 'ssh'] as const)('makes one connection for all of %s, and none when nothing is new', async (scheme) => {
		await using far = await startSshStore({ nix: scheme === 'ssh' ? OTHER_SIDE[nix] : nix });
		await using machine = await createMachine({ nix });
		far.admit(machine);
		const first = await playJob(far, machine, { cache: far.url(scheme) });
		expect(problems(first.result), first.result.log).toEqual([]);
		expect(first.result.stage('post').log, first.result.log).toMatch(/5 pushed.*Read back 5 of the pushed paths: all well/s);
		expect(first.connections, first.result.log).toBe(1);
		expect(first.result.orphans).toEqual([]);
		expect(leftInTemp(machine)).toEqual([]);
		const second = await playJob(far, machine, { cache: far.url(scheme) });
		expect(second.result.stage('post').log).toContain('Nothing new to push');
		expect(second.connections, second.result.log).toBe(0);
	});

	it.each([
		['over that connection', []],
		['or over others, where it takes two sessions at a time', ['MaxSessions 2']],
	] as const)('reads many paths back side by side, %s', async (_how, sshd) => {
		await using far = await startSshStore({ nix, sshd });
		await using machine = await createMachine({ nix });
		far.admit(machine);
		far.machine.writeFile('/usr/local/bin/lasting', LASTING, 0o755);
		const { result, connections } = await playJob(far, machine, {
			// So that they meet there.
			cache: far.url('ssh-ng', 'remote-program=/usr/local/bin/lasting'),
			step: run('nix-build --no-out-link --option substitute false job.nix'),
			files: { 'job.nix': manyPaths(40, `many-${far.port}`) },
		});
		expect(problems(result), result.log).toEqual([]);
		expect(result.stage('post').log, result.log).toMatch(/Read back 4\d of the pushed paths: all well/);
		if (sshd.length === 0) expect(connections, result.log).toBe(1);
		else expect(connections, result.log).toBeGreaterThan(1);
		expect(result.orphans).toEqual([]);
	});

	it('says so, and waits for nothing, when the shared connection is killed in the middle of the copy', async () => {
		await using far = await startSshStore({ nix });
		await using machine = await createMachine({ nix });
		far.admit(machine);
		const large = await largePath(machine, 'large', 300);
		let killed = 0;
		const onLine = (line: string): void => {
			if (!line.includes('`nix copy` of 2 paths')) return;
			setTimeout(() => {
				for (const pid of masters(machine)) if (process.kill(pid, 'SIGKILL')) killed++;
			}, 300);
		};
		const user = derivation({ name: 'user', script: 'echo $large > $out', env: { large: 'large' } });
		const { result } = await playJob(far, machine, {
			cache: far.url('ssh-ng'),
			step: run('nix-build --no-out-link --option substitute false job.nix'),
			files: { 'job.nix': `rec { large = ${large}; user = ${user}; }` },
			onLine,
		});
		expect(killed).toBe(1);
		expect(result.status).toBe('success');
		expectOneProblem(result, 'the connection broke off');
		expect(result.stage('post').durationMs).toBeLessThan(60_000);
		// Neither of them, or the one that the other refers to.
		expect(await namesIn(far)).toBeLessThan(2);
		expect(result.orphans).toEqual([]);
	});

	it.each(['ssh-ng', 'ssh'] as const)(
		'succeeds by %s where a connection takes one session only, and the last one is not over yet',
		async (scheme) => {
			await using far = await startSshStore({ nix, sshd: ['MaxSessions 1'] });
			await using machine = await createMachine({ nix });
			far.admit(machine);
			far.machine.writeFile('/usr/local/bin/lasting', LASTING, 0o755);
			const { result, connections } = await playJob(far, machine, {
				cache: far.url(scheme, 'remote-program=/usr/local/bin/lasting'),
			});
			expect(problems(result), result.log).toEqual([]);
			expect(result.stage('post').log, result.log).toMatch(/5 pushed.*Read back 5 of the pushed paths: all well/s);
			// The first question, and then each process for itself, once the copy met the refusal.
			expect(connections, result.log).toBeGreaterThan(2);
			expect(result.orphans).toEqual([]);
		},
	);
});

describe('the end of a job with a store behind SSH', () => {
	it('takes key and host key from the URL for the shared connection', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		machine.writeFile('/root/key', far.key, 0o600);
		far.admit(machine, { key: null, hostKey: null });
		const hostKey = encodeURIComponent(Buffer.from(far.hostKey).toString('base64'));
		const { result, connections } = await playJob(far, machine, {
			cache: far.url('ssh-ng', `ssh-key=/root/key&compress=true&base64-ssh-public-host-key=${hostKey}`),
		});
		expect(problems(result), result.log).toEqual([]);
		expect(connections, result.log).toBe(1);
	});

	it('makes one connection with a key that may start one program alone', async () => {
		await using far = await startSshStore({
			nix: '2.26',
			sshd: ['ForceCommand nix-daemon --stdio', 'DisableForwarding yes', 'PermitTTY no'],
		});
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const { result, connections } = await playJob(far, machine, { cache: far.url('ssh-ng') });
		expect(problems(result), result.log).toEqual([]);
		expect(connections, result.log).toBe(1);
	});

	it('leaves connections alone that the user shares, be they the only way in', async () => {
		await using far = await startSshStore({ nix: '2.26' });
		await using machine = await createMachine({ nix: '2.26' });
		far.admit(machine);
		const configuration = `Host *\nControlMaster auto\nControlPath /root/.ssh/own-%C\nControlPersist 120\n`;
		machine.writeFile('/root/.ssh/config', `${machine.readFile('/root/.ssh/config')}${configuration}`, 0o600);
		await machine.run(['ssh', `ci@${far.host}`, 'true']);
		await machine.run(['rm', `/root/.ssh/${far.host}`]);
		const { result, connections } = await playJob(far, machine, { cache: far.url('ssh-ng') });
		expect(problems(result), result.log).toEqual([]);
		expect(result.stage('post').log, result.log).toContain('5 pushed');
		expect(connections, result.log).toBe(0);
		expect(masters(machine).length).toBe(1);
	});

	it('makes a connection for each Nix process when NIX_SSHOPTS says so', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const { result, connections } = await playJob(far, machine, {
			cache: far.url('ssh-ng'),
			env: { NIX_SSHOPTS: '-oControlPath=none' },
		});
		expect(problems(result), result.log).toEqual([]);
		expect(connections, result.log).toBe(3);
	});

	it('says what a connection of its own says when the host is gone, or is another one', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const changed = await playJob(far, machine, {
			cache: far.url('ssh-ng'),
			atEnd: async () => {
				await machine.run(['sh', '-c', 'rm -f k k.pub; ssh-keygen -q -t ed25519 -N "" -C test -f k']);
				far.admit(machine, { hostKey: machine.readFile('/root/k.pub').split(' ').slice(0, 2).join(' ') });
			},
		});
		expectOneProblem(changed.result, 'its SSH host key is another one than the one that is known here');
		far.admit(machine);
		await machine.emptyStore();
		const gone = await playJob(far, machine, { cache: far.url('ssh-ng'), step: buildGraph, atEnd: () => far.stop() });
		expectOneProblem(gone.result, 'no SSH connection comes about (Connection refused)', 'Is sshd running there');
		expect(await namesIn(far)).toBe(0);
		expect(leftInTemp(machine)).toEqual([]);
	});

	it('shares it with what was pushed while the job ran', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const before = far.connections;
		const inputs = { cache: far.url('ssh-ng'), 'signing-key': secret, continuous: 'true' };
		const builds = GRAPH.map((name) => run(`nix-build --no-out-link --option substitute false job.nix -A ${name}; sleep 1`));
		const result = await runJob(machine, [uses({ with: inputs }), ...builds], { workspace: { 'job.nix': graph('continuous') } });
		expect(problems(result), result.log).toEqual([]);
		expect(await namesIn(far)).toBe(5);
		// The first one is main's question whether the store can be used.
		expect(far.connections - before, result.log).toBe(2);
		expect(result.orphans).toEqual([]);
	});

	it('leaves no connection for long when it is killed', async () => {
		await using far = await startSshStore({ nix: '2.34' });
		await using machine = await createMachine({ nix: '2.34' });
		far.admit(machine);
		const paths = await build(machine, graph('killed'), { attributes: GRAPH });
		far.machine.writeFile('/usr/local/bin/slow', '#!/bin/sh\nsleep 2\nexec nix-daemon "$@"\n', 0o755);
		const url = far.url('ssh-ng', 'remote-program=/usr/local/bin/slow');
		const push = machine.spawn([NODE, join(CHECKOUT, 'dist/cli.js'), 'push', url, ...paths]);
		await eventually('a shared connection', () => masters(machine).length === 1, { timeoutMs: 30_000 });
		push.kill('SIGKILL');
		expect(masters(machine).length).toBe(1);
		await eventually('its end', () => masters(machine).length === 0, { timeoutMs: 60_000, everyMs: 500 });
	});
});
