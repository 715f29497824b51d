import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { checkCache } from '../support/cache-invariants.ts';
import { GRAPH, graph } from '../support/derivations.ts';
import { type FaultyServer, startFaultyServer } from '../support/faulty-server.ts';
import type { Machine } from '../support/machine.ts';
import { LOOK_ALIKE, machineWithoutNix, makeNixTarball, type NixTarball } from '../support/nix-tarball.ts';
import { run, runJob, uses } from '../support/runner.ts';
import { testedVersions } from '../support/versions.ts';

const secret = formatSecretKey(generateKey('test-1'));
const build = run(`nix-build --no-out-link job.nix ${GRAPH.map((name) => `-A ${name}`).join(' ')}`);

/** A server with the layout of releases.nixos.org. */
async function startMirror(tarball: NixTarball): Promise<FaultyServer> {
	const mirror = await startFaultyServer({ basePath: '/nix/' });
	mirror.write(tarball.path, tarball.bytes);
	mirror.write(`${tarball.path}.sha256`, tarball.hex);
	return mirror;
}

/** Installs Nix, builds, and pushes to a folder. */
function play(machine: Machine, installNix: string, user = 'root', netrc = '') {
	const folder = join(machine.work, 'cache');
	return runJob(
		machine,
		[uses({ with: { cache: `file://${folder}`, 'signing-key': secret, 'install-nix': installNix, netrc } }), build],
		{ user, workspace: { 'job.nix': graph('installed') }, secrets: [secret], env: LOOK_ALIKE },
	);
}

describe.each(testedVersions())('install-nix, Nix %s', (nix) => {
	let tarball: NixTarball;
	beforeAll(async () => {
		tarball = await makeNixTarball(nix);
	}, 120_000);

	it('gives a container without Nix one that builds, and what it built is pushed; the next job takes it from the tool cache', async () => {
		await using machine = await machineWithoutNix(nix);
		await using mirror = await startMirror(tarball);
		const installNix = `${tarball.version} ${tarball.hash} ${mirror.url}`;
		const first = await play(machine, installNix);
		expect(first.status, first.log).toBe('success');
		expect(first.annotations, first.log).toEqual([]);
		expect(first.stage('post').log).toMatch(/5 pushed/);
		expect(checkCache(join(machine.work, 'cache')).length).toBe(5);
		expect(mirror.requests.map(({ path }) => path)).toEqual([`/nix/${tarball.path}`]);
		expect(await machine.run(['/nix/var/nix/profiles/default/bin/nix-store', '--verify', '--check-contents'])).toBe('');
		expect(first.leftovers).toEqual([]);

		await mirror.refuse();
		await machine.emptyStore();
		const second = await play(machine, installNix);
		expect(second.status, second.log).toBe('success');
		expect(second.stage('main').log).toContain('is in the tool cache');
		expect(second.stage('run').log, second.log).not.toMatch(/^building '/m);
	});
});
