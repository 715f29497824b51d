import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { graph, largePath } from '../support/derivations.ts';
import { createMachine } from '../support/machine.ts';
import { freePort, listening } from '../support/ports.ts';
import { run, runJob, uses } from '../support/runner.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'backends', 'nginx.md'), 'utf8');
const secret = formatSecretKey(generateKey('test-1'));
const PASSWORD = 'nginx-page-password';

it('the configuration of docs/backends/nginx.md makes a cache of an nginx', async () => {
	const text = /```nginx\n(.*?)```/s.exec(page)?.[1];
	if (text === undefined) throw new Error('the page has no configuration');
	await using server = await createMachine({ nix: '2.8' });
	const port = await freePort();
	const overHttp = text.replace('listen 443 ssl;', `listen 127.0.0.1:${port};`).replace(/^\s*ssl_certificate.*$/gm, '');
	expect(overHttp).not.toContain('ssl');
	const frame = 'daemon off; user root; pid nginx.pid; error_log error.log; events {}';
	// As nginx.conf of Debian has it: what is not said is nginx's default.
	writeFileSync(join(server.work, 'nginx.conf'), `${frame}\nhttp {\naccess_log off;\n${overHttp}}\n`);
	for (const folder of ['/srv/cache/nix', '/srv/cache/tmp', '/etc/nginx']) mkdirSync(server.outside(folder), { recursive: true });
	await server.run(['sh', '-c', `printf 'ci:%s\\n' "$(openssl passwd -apr1 ${PASSWORD})" >> /etc/nginx/cache-users`]);
	const nginx = server.spawn(['nginx', '-p', server.work, '-c', join(server.work, 'nginx.conf')]);
	try {
		await listening(port);
		await using machine = await createMachine({ nix: '2.26' });
		const url = `http://127.0.0.1:${port}/nix`;
		// More than nginx takes by default, and more than it keeps in memory.
		const large = await largePath(machine, 'nginx-page', 8, 0.9);
		const options = {
			secrets: [secret, PASSWORD],
			workspace: { 'job.nix': `(${graph('nginx-page')}) // { large = ${large}; }` },
		};
		const build = run('nix-build --no-out-link job.nix -A app -A large');
		const writing = uses({ with: { cache: url, username: 'ci', password: PASSWORD, 'signing-key': secret } });
		const first = await runJob(machine, [writing, build], options);
		expect(
			first.annotations.map(({ message }) => message),
			first.log,
		).toEqual([]);
		expect(first.stage('post').log).toMatch(/Read back \d+ of the pushed paths: all well/);
		expect(checkCache(server.outside('/srv/cache/nix')).length).toBeGreaterThanOrEqual(5);
		await machine.emptyStore();
		const reading = uses({ with: { cache: url, 'signing-key': secret, push: 'never' } });
		const second = await runJob(machine, [reading, build], options);
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
		const wrong = uses({ with: { cache: url, username: 'ci', password: 'wrong', 'signing-key': secret, fallback: 'none' } });
		const refused = await runJob(machine, [wrong], options);
		expect(
			refused.annotations.map(({ message }) => message),
			refused.log,
		).toEqual([expect.stringMatching(/401.*refuses the credentials/)]);
	} finally {
		nginx.kill('SIGTERM');
		await once(nginx, 'exit');
	}
});
