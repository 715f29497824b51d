import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { graph } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import { BARE_START, createMachine, type Machine } from '../support/machine.ts';
import { startNginx } from '../support/nginx.ts';
import type { JobOptions, JobResult, Step } from '../support/runner/steps.ts';
import { assertNoSecrets, run, runJob, uses } from '../support/runner.ts';
import { expectOneProblem, problems } from './one-problem.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const publicKey = formatPublicKey(publicKeyOf(key));
const stranger = formatPublicKey(publicKeyOf(generateKey('test-1')));
const password = 'correct-horse-battery-staple';
const CACHE_INFO = 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n';

type Inputs = Readonly<Record<string, string>>;

let machine: Machine;
let server: FaultyServer;
beforeAll(async () => {
	[machine, server] = await Promise.all([createMachine({ nix: '2.26' }), startFaultyServer()]);
});
afterAll(async () => {
	await machine?.dispose();
	await server?.[Symbol.asyncDispose]();
});
beforeEach(() => {
	server.heal();
	for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
	server.write('nix-cache-info', CACHE_INFO);
});

async function play(inputs: Inputs, options: JobOptions = {}, on: Machine = machine, steps: Step[] = []): Promise<JobResult> {
	const secrets = [password, secret];
	const result = await runJob(on, [uses({ with: inputs, local: true }), run('true'), ...steps], { secrets, ...options });
	expect(result.status, result.log).toBe('success');
	assertNoSecrets(result);
	return result;
}

/** The wrong set-up gives one annotation with all of these texts and a title with the code; with what it says to do there is none. */
async function expectMended(
	code: string,
	texts: readonly string[],
	wrong: () => Promise<JobResult>,
	mend: () => Promise<JobResult>,
): Promise<void> {
	const result = await wrong();
	expectOneProblem(result, ...texts);
	if (code !== '') expect(result.annotations[0]?.title).toContain(`(${code})`);
	const mended = await mend();
	expect(problems(mended), mended.log).toEqual([]);
}

/** Pushing while the job runs has things of its own to say. */
const given = (more: Inputs = {}): Inputs => ({ cache: server.url, 'signing-key': secret, continuous: 'false', ...more });

describe('a healthy set-up', () => {
	it('has no annotation, and the cache nothing that was not there', async () => {
		await using nginx = await startNginx();
		const inputs = {
			continuous: 'false',
			cache: nginx.url,
			username: nginx.username,
			password: nginx.password,
			'signing-key': secret,
		};
		const before = await play(inputs);
		expect(problems(before), before.log).toEqual([]);
		nginx.forgetRequests();
		const result = await play(inputs);
		expect(problems(result), result.log).toEqual([]);
		expect(readdirSync(nginx.folder, { recursive: true })).toEqual(['nix-cache-info']);
		// It is asked twice (by whoever pushes, and as Nix will ask it), for its methods, and for an upload that is not sent.
		expect(nginx.requests().map(({ method }) => method)).toEqual(['GET', 'OPTIONS', 'PUT', 'GET']);
		expect(nginx.requests().find(({ method }) => method === 'PUT')?.status).toBe(400);
	});
});

describe('the start of a job', () => {
	it('takes main little more than the start of the bundle', async () => {
		const overBare: number[] = [];
		for (let round = 0; round < 4; round++) {
			const startedMs = performance.now();
			await machine.run(BARE_START);
			const bareMs = performance.now() - startedMs;
			overBare.push((await play(given())).stage('main').durationMs - bareMs);
		}
		// The goal is 400 ms on a quiet machine, which bench/preflight.ts measures.
		expect(Math.min(...overBare)).toBeLessThan(1_500);
	});
});

describe('what Nix is told', () => {
	it('does not reach a daemon that does not trust the user', async () => {
		await using own = await createMachine({ nix: '2.26' });
		own.addUser('runner');
		await own.startDaemon();
		await expectMended(
			'daemon-distrusts',
			['does not trust the user runner', 'Add `extra-trusted-users = runner` to /etc/nix/nix.conf and restart the daemon.'],
			() => play(given(), { user: 'runner' }, own),
			async () => {
				await own.run(['sh', '-c', 'echo "extra-trusted-users = runner" >> /etc/nix/nix.conf']);
				await own.run(['systemctl', 'restart', 'nix-daemon']);
				return play(given(), { user: 'runner' }, own);
			},
		);
	});

	it('are credentials that a daemon, which knows the cache, takes from those whom it trusts alone', async () => {
		await using closed = await startFaultyServer({ credentials: `ci:${password}` });
		closed.write('nix-cache-info', CACHE_INFO);
		await using own = await createMachine({ nix: '2.26' });
		own.addUser('runner');
		await own.startDaemon({ conf: [`trusted-substituters = ${closed.url}`, `extra-trusted-public-keys = ${publicKey}`] });
		const inputs = given({ cache: closed.url, username: 'ci', password });
		const options: JobOptions = { user: 'runner', secrets: [secret] };
		await expectMended(
			'credentials-not-taken',
			['takes no credentials from this user', '`machine HOST login USER password PASSWORD`', 'and let this user read it'],
			() => play(inputs, options, own),
			async () => {
				own.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ci password ${password}\n`, 0o640);
				await own.run(['chgrp', 'runner', '/etc/nix/netrc']);
				return play(inputs, options, own);
			},
		);
	});

	it.each([
		['substituters = https://cache.nixos.org', 'extra-substituters = '],
		['substituters =', 'extra-substituters ='],
		[`trusted-public-keys = ${stranger}`, `extra-trusted-public-keys = other-1:${stranger.split(':')[1]}`],
	])('is hidden by NIX_CONFIG with %s', async (wrong, right) => {
		const name = wrong.split(' ')[0];
		await expectMended(
			'config-hidden',
			[`NIX_CONFIG sets \`${name}\`, which hides what this step configures`, `Write \`extra-${name}\` there`],
			// cache.nixos.org is not there on this machine; only its being named counts.
			() => play(given(), { env: { NIX_CONFIG: wrong.replace('https://cache.nixos.org', 'file:///var/empty') } }),
			() => play(given(), { env: { NIX_CONFIG: right } }),
		);
	});

	it('is hidden by a netrc-file of NIX_CONFIG', async () => {
		machine.writeFile('/root/job-netrc', 'machine other.test login me password something-else\n', 0o600);
		const netrc = 'machine cache.test login ci password correct-horse-battery-staple';
		await expectMended(
			'config-hidden',
			['NIX_CONFIG sets `netrc-file`', 'Leave `netrc-file` out there and give its entries in `netrc`.'],
			() => play(given({ netrc }), { env: { NIX_CONFIG: 'netrc-file = /root/job-netrc' } }),
			() => play(given({ netrc: `${netrc}\nmachine other.test login me password something-else` })),
		);
	});

	it("is hidden by a file of the user's where the daemon was told", async () => {
		await using own = await createMachine({ nix: '2.26' });
		own.addUser('runner', { sudo: true });
		await own.startDaemon({ conf: ['trusted-substituters = file:///var/empty'] });
		const file = '/home/runner/.config/nix/nix.conf';
		own.writeFile(file, 'substituters = file:///var/empty\n');
		await expectMended(
			'config-hidden',
			[`${file} sets \`substituters\``, 'Write `extra-substituters` there.'],
			() => play(given(), { user: 'runner' }, own),
			() => {
				own.writeFile(file, 'extra-substituters = file:///var/empty\n');
				return play(given(), { user: 'runner' }, own);
			},
		);
	});

	it('is of no use where Nix takes nothing from caches', async () => {
		await expectMended(
			'substitution-off',
			['reads from no cache', 'Take `substitute = false` out of the environment variable NIX_CONFIG'],
			() => play(given(), { env: { NIX_CONFIG: 'substitute = false' } }),
			() => play(given(), { env: { NIX_CONFIG: 'substitute = true' } }),
		);
	});
});

describe('a netrc that only root may read', () => {
	let own: Machine;
	let closed: FaultyServer;
	beforeAll(async () => {
		[own, closed] = await Promise.all([
			createMachine({ nix: '2.26' }),
			startFaultyServer({ host: 'cache.test', credentials: `ci:${password}` }),
		]);
		closed.write('nix-cache-info', CACHE_INFO);
		own.addUser('runner');
		await own.startDaemon({ trustedUsers: ['runner'] });
	});
	afterAll(async () => {
		await own?.dispose();
		await closed?.[Symbol.asyncDispose]();
	});
	const mend = ['chgrp "$(id -gn)" /etc/nix/netrc && sudo chmod g+r /etc/nix/netrc', 'or give its entries in `netrc`'];
	// What the test itself puts into the shared netrc is no leak of the action's.
	const asRunner: JobOptions = { user: 'runner', secrets: [secret] };
	const entry = `machine cache.test login ci password ${password}\n`;
	const share = () => own.run(['sh', '-c', 'chgrp runner /etc/nix/netrc && chmod g+r /etc/nix/netrc']);

	it('costs its entries when the step has some of its own', async () => {
		own.writeFile('/etc/nix/netrc', entry, 0o600);
		const inputs = given({ netrc: 'machine other.test login me password something-else' });
		await expectMended(
			'netrc-unreadable',
			['The entries of /etc/nix/netrc do not count', 'EACCES', ...mend],
			() => play(inputs, asRunner, own),
			async () => {
				await share();
				return play(inputs, asRunner, own);
			},
		);
	});

	it("is the daemon's business for a cache that the machine itself names", async () => {
		await using other = await createMachine({ nix: '2.26', nixConf: [`extra-substituters = ${closed.url}`] });
		other.addUser('runner');
		await other.startDaemon({ trustedUsers: ['runner'] });
		other.writeFile('/etc/nix/netrc', entry, 0o600);
		const result = await play(given(), asRunner, other);
		expect(problems(result), result.log).toEqual([]);
	});

	it('is what is said when the cache wants what is in it', async () => {
		own.writeFile('/etc/nix/netrc', entry, 0o600);
		await expectMended(
			'',
			['401 Unauthorized', 'The entries of /etc/nix/netrc do not count', ...mend],
			() => play(given({ cache: closed.url }), asRunner, own),
			async () => {
				await share();
				return play(given({ cache: closed.url }), asRunner, own);
			},
		);
	});
});

describe('keys', () => {
	const build = run('nix-build --no-out-link job.nix -A lib');
	const buildsIt = /^building '/m;

	it('of which two have one name are told apart by it', async () => {
		await using own = await createMachine({ nix: '2.26', nixConf: [`extra-trusted-public-keys = ${stranger}`] });
		const options = { workspace: { 'job.nix': graph('keys') } };
		const twice = async (): Promise<JobResult> => {
			await play(given(), options, own, [build]);
			await own.emptyStore();
			return play(given(), options, own, [build]);
		};
		await expectMended(
			'key-name-taken',
			[
				'Nix trusts another key with the name `test-1` already',
				'does not believe what `signing-key` signs',
				`Remove \`${stranger}\` from \`trusted-public-keys\``,
				'`nix-store --generate-binary-cache-key test-1-new secret public`',
			],
			async () => {
				const result = await twice();
				// It is as the annotation says.
				expect(result.stages.at(-2)?.log, result.log).toMatch(buildsIt);
				return result;
			},
			async () => {
				own.writeFile('/etc/nix/nix.conf', own.readFile('/etc/nix/nix.conf').replace(/^extra-trusted-public-keys.*\n/m, ''));
				await own.emptyStore();
				const result = await play(given(), options, own, [build]);
				expect(result.stages.at(-2)?.log, result.log).not.toMatch(buildsIt);
				return result;
			},
		);
	});

	it('that are no keys fail the builds of Nix, and this is said before', async () => {
		const options = { workspace: { 'job.nix': graph('unreadable') } };
		await play(given(), options, machine, [build]);
		await machine.emptyStore();
		const env = { NIX_CONFIG: 'extra-trusted-public-keys = example.org-1:REPLACE-WITH-YOUR-PUBLIC-KEY=' };
		const steps = [uses({ with: given(), local: true }), build];
		await expectMended(
			'key-unreadable',
			["can't read `example.org-1:…`", 'take it out of the environment variable NIX_CONFIG'],
			async () => {
				const result = await runJob(machine, steps, { ...options, env, secrets: [password, secret] });
				// It is as the annotation says.
				expect(result.stage('run').log, result.log).toMatch(/error: invalid character in Base64 string/);
				return result;
			},
			() => play(given(), options, machine, [build]),
		);
	});

	it('are wanted from a job that only reads', async () => {
		const empty = { cache: server.url, 'signing-key': '', push: 'never' };
		await expectMended(
			'key-missing',
			[server.url, 'only what cache.nixos.org-1 signed', '`trusted-public-keys: NAME:BASE64`'],
			() => play(empty),
			() => play({ ...empty, 'trusted-public-keys': publicKey }),
		);
	});
});

describe('what the caches say', () => {
	it.each<[string, (other: FaultyServer) => Promise<void> | void, readonly string[]]>([
		[
			'does not answer',
			(other) => other.refuse(),
			['the connection was refused (ECONNREFUSED)', 'Is the server up, and does it listen on this port?'],
		],
		['is no cache', (other) => rmSync(join(other.folder, 'nix-cache-info')), ['no `nix-cache-info`', 'Correct its URL']],
		[
			'is for another store',
			(other) => other.write('nix-cache-info', 'StoreDir: /srv/nix/store\n'),
			['it is for stores in /srv/nix/store, and this one is in /nix/store', 'Take it out of `substituters`'],
		],
		[
			'wants credentials',
			(other) => other.fail({}, { kind: 'status', status: 401 }),
			['401 Unauthorized', 'wants credentials', 'an entry for 127.0.0.1 in `netrc`'],
		],
	])('of `substituters` one that %s', async (_what, spoil, texts) => {
		await using other = await startFaultyServer();
		other.write('nix-cache-info', CACHE_INFO);
		await spoil(other);
		await expectMended(
			'substituter-unusable',
			[other.url, ...texts],
			() => play(given({ substituters: other.url })),
			() => play(given()),
		);
	});

	it('is told of caches that nobody in this job named, too', async () => {
		await using own = await createMachine({ nix: '2.26', nixConf: ['extra-substituters = http://no-such-host.invalid'] });
		await expectMended(
			'substituter-unusable',
			['Nix is set to read from http://no-such-host.invalid', 'ENOTFOUND'],
			() => play(given(), {}, own),
			() => {
				own.writeFile('/etc/nix/nix.conf', own.readFile('/etc/nix/nix.conf').replace(/^extra-substituters.*\n/m, ''));
				return play(given(), {}, own);
			},
		);
	});

	it('may be that another store is theirs', async () => {
		server.write('nix-cache-info', 'StoreDir: /srv/nix/store\n');
		await expectMended(
			'',
			[`${server.url} is for stores in /srv/nix/store, and this one is in /nix/store.`, 'use another cache'],
			() => play(given()),
			() => {
				server.write('nix-cache-info', CACHE_INFO);
				return play(given());
			},
		);
	});

	it('is their priority, where there are several', async () => {
		await using other = await startFaultyServer();
		other.write('nix-cache-info', CACHE_INFO);
		server.write('nix-cache-info', 'StoreDir: /nix/store\n');
		await expectMended(
			'priority-missing',
			[`${server.url} does not say its priority`, 'Add `Priority: 41` to its `nix-cache-info`, or `?priority=41` to its URL'],
			() => play(given({ substituters: other.url })),
			() => play(given({ cache: `${server.url}?priority=41`, substituters: other.url })),
		);
	});

	it('is the time: a clock that is wrong', async () => {
		server.setClockAhead(17 * 60_000);
		await expectMended(
			'clock-wrong',
			["This machine's clock is 17 minutes behind that of 127.0.0.1", '`sudo timedatectl set-ntp true`'],
			() => play(given()),
			() => {
				server.setClockAhead(60_000);
				return play(given());
			},
		);
		server.setClockAhead(0);
	});
});

describe('a cache that takes nothing from this job says so in main', () => {
	const READS = 'The job reads from it and pushes nothing there.';

	it.each<['write' | 'read-only', string, readonly string[], 'all' | 'write']>([
		['read-only', password, ['403 Forbidden', 'give it the permission to deploy'], 'write'],
		['write', 'wrong-password-of-mine', ['401 Unauthorized', 'check `username` and `password`'], 'write'],
	])('nginx with writing %s, password %s', async (auth, given, texts, mendedAuth) => {
		await using nginx = await startNginx({ auth: 'none' });
		const inputs = { continuous: 'false', cache: nginx.url, username: nginx.username, 'signing-key': secret };
		await play(inputs);
		await nginx.restart({ auth });
		const options = { secrets: [password, secret, given] };
		await expectMended(
			'',
			[nginx.url, ...texts, READS],
			async () => {
				const result = await play({ ...inputs, password: given }, options);
				expect(result.stage('main').outputs).toMatchObject({ cache: 'http', 'can-push': 'false' });
				expect(result.stage('main').log).toContain('Nothing is pushed at the end of the job: ');
				return result;
			},
			async () => {
				await nginx.restart({ auth: mendedAuth });
				return play({ ...inputs, password }, options);
			},
		);
		expect(readdirSync(nginx.folder, { recursive: true })).toEqual(['nix-cache-info']);
	});

	it('nginx that takes uploads at another URL', async () => {
		await using nginx = await startNginx({ auth: 'none', pushPath: '/upload/' });
		const inputs = {
			continuous: 'false',
			cache: nginx.url,
			username: nginx.username,
			password: nginx.password,
			'signing-key': secret,
		};
		await play({ ...inputs, 'push-url': nginx.pushUrl });
		await expectMended(
			'',
			[nginx.url, '405 Method Not Allowed', 'Name the URL that takes uploads in `push-url`', READS],
			() => play(inputs),
			() => play({ ...inputs, 'push-url': nginx.pushUrl }),
		);
	});

	it('and main fails when it has to push', async () => {
		await using nginx = await startNginx({ auth: 'none' });
		const inputs = { continuous: 'false', cache: nginx.url, 'signing-key': secret, push: 'always' };
		await play(inputs);
		await nginx.restart({ auth: 'read-only' });
		const result = await runJob(machine, [uses({ with: inputs })], { secrets: [secret] });
		expect(result.stage('main').exitCode).toBe(1);
		expectOneProblem(result, '`push` is `always`', '403 Forbidden');
	});

	it('a folder of somebody else', async () => {
		await using own = await createMachine({ nix: '2.26' });
		own.addUser('runner');
		await own.startDaemon({ trustedUsers: ['runner'] });
		const folder = join(own.work, 'cache');
		mkdirSync(folder);
		own.writeFile(join(folder, 'nix-cache-info'), CACHE_INFO);
		const inputs = given({ cache: `file://${folder}` });
		await expectMended(
			'',
			[`this job's user may not write in ${folder}`, `\`sudo chown -R "$(id -un)" ${folder}\``, READS],
			() => play(inputs, { user: 'runner' }, own),
			async () => {
				await own.run(['chown', '-R', 'runner', folder]);
				return play(inputs, { user: 'runner' }, own);
			},
		);
	});

	it('a folder that is mounted for reading only', async () => {
		await using own = await createMachine({ nix: '2.26' });
		await own.run(['sh', '-c', 'mkdir /share && mount -t tmpfs tmpfs /share']);
		await own.run([
			'sh',
			'-c',
			`printf '${CACHE_INFO.replaceAll('\n', '\\n')}' > /share/nix-cache-info && mount -o remount,ro /share`,
		]);
		await expectMended(
			'',
			['file:///share is mounted for reading only.', 'Mount it for writing, or set `push: never`.'],
			() => play(given({ cache: 'file:///share' }), {}, own),
			async () => {
				await own.run(['mount', '-o', 'remount,rw', '/share']);
				return play(given({ cache: 'file:///share' }), {}, own);
			},
		);
	});
});

describe('the machine', () => {
	it('with a disk that is nearly full', async () => {
		await using own = await createMachine({ nix: '2.26' });
		await own.run(['sh', '-c', 'mount -t tmpfs -o size=1100m tmpfs /nix && mkdir -p /nix/store']);
		await own.run(['sh', '-c', 'head -c 150000000 /dev/zero > /tmp/large && nix-store --add /tmp/large']);
		await expectMended(
			'disk-low',
			['There are only ', ' MB in /nix/store (the Nix store) left', '`nix-collect-garbage`'],
			() => play(given(), {}, own),
			async () => {
				await own.run(['nix-collect-garbage']);
				return play(given(), {}, own);
			},
		);
	});

	it('with less on its disk than `min-free`', async () => {
		await expectMended(
			'disk-low',
			["less than Nix's `min-free`", 'or lower `min-free` in nix.conf'],
			() => play(given(), { env: { NIX_CONFIG: `min-free = ${10 ** 15}` } }),
			() => play(given()),
		);
	});

	it('with a Nix that is not safe', async () => {
		await using own = await createMachine({ nix: '2.26' });
		own.writeFile('/usr/local/bin/nix', '#!/bin/sh\n/usr/bin/nix "$@" | sed "s/^nix (Nix) .*/nix (Nix) 2.24.5/"\n', 0o755);
		await expectMended(
			'nix-unsafe',
			['In Nix 2.24.5', 'CVE-2024-45593', 'Install 2.24.6 or later'],
			() => play(given(), {}, own),
			() => {
				rmSync(own.outside('/usr/local/bin/nix'));
				return play(given(), {}, own);
			},
		);
	});
});
