/**
 * `node bench/continuous.ts`: what pushing while the job runs saves at its end, and costs the builds. Forty builds of three seconds each that write 20 MB, one after
 * another, a server behind a line of 20 MB/s. README.md has what was seen.
 *
 *     node bench/continuous.ts [--nix 2.26] [--builds 40] [--seconds 3] [--megabytes 20] [--rate 20] [--runs 1]
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { cpus } from 'node:os';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { derivation } from '../__tests__/support/derivations.ts';
import { createMachine } from '../__tests__/support/machine.ts';
import { startNginx } from '../__tests__/support/nginx.ts';
import { run, runJob, uses } from '../__tests__/support/runner.ts';
import { ensureRoots, NIX_VERSIONS } from '../scripts/roots.ts';
import { formatSecretKey, generateKey } from '../src/nix/signature.ts';
import { median, shown } from './closures.ts';

const { values } = parseArgs({
	options: {
		nix: { type: 'string', default: '2.26' },
		builds: { type: 'string', default: '40' },
		seconds: { type: 'string', default: '3' },
		megabytes: { type: 'string', default: '20' },
		rate: { type: 'string', default: '20' },
		runs: { type: 'string', default: '1' },
	},
});
const nix = NIX_VERSIONS.find((version) => version === values.nix) ?? '2.26';
const secret = formatSecretKey(generateKey('bench-1'));

/** A line of `bytesPerSecond` towards `port`, for all connections together; what comes back is not slowed. */
async function startLine(port: number, bytesPerSecond: number): Promise<{ readonly port: number; readonly close: () => void }> {
	let freeAtMs = performance.now();
	const slowly = () =>
		new Transform({
			async transform(bytes: Buffer, _encoding, callback) {
				freeAtMs = Math.max(freeAtMs, performance.now()) + (1000 * bytes.length) / bytesPerSecond;
				await sleep(Math.max(0, freeAtMs - performance.now()));
				callback(null, bytes);
			},
		});
	const sockets = new Set<Socket>();
	const server = createServer((client) => {
		const upstream = connect({ port, host: '127.0.0.1' });
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.on('error', () => [client, upstream].map((one) => one.destroy())).once('close', () => sockets.delete(socket));
		}
		client.pipe(slowly()).pipe(upstream);
		upstream.pipe(client);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
	const close = (): void => {
		server.close();
		for (const socket of sockets) socket.destroy();
	};
	return { port: address.port, close };
}

await ensureRoots([nix], console.log);
await using machine = await createMachine({ nix });
await using nginx = await startNginx();
const line = await startLine(Number(new URL(nginx.url).port), Number(values.rate) * 1e6);
const url = new URL(nginx.url);
url.port = String(line.port);
console.log(`Nix ${machine.nixVersion}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}`);

let salts = 0;

/** Seconds of the builds and of post. */
async function job(continuous: string): Promise<{ readonly builds: number; readonly post: number }> {
	const one = derivation({
		name: `bench-continuous-${++salts}`,
		script: `sleep ${values.seconds}; head -c ${values.megabytes}000000 /dev/urandom > $out; echo $number >> $out`,
		env: { number: 'toString n' },
	});
	const result = await runJob(
		machine,
		[
			uses({ with: { cache: url.href, username: nginx.username, password: nginx.password, 'signing-key': secret, continuous } }),
			run('nix-build -j1 --no-out-link job.nix'),
		],
		{
			secrets: [secret, nginx.password],
			times: { stageMs: 900_000 },
			workspace: { 'job.nix': `map (n: ${one}) (builtins.genList (n: n) ${values.builds})` },
		},
	);
	if (result.status !== 'success' || result.annotations.length > 0) throw new Error(result.log);
	await machine.run(['nix-collect-garbage']);
	return { builds: result.stage('run').durationMs / 1000, post: result.stage('post').durationMs / 1000 };
}

const [off, on]: { readonly builds: number; readonly post: number }[][] = [[], []];
for (let index = 0; index < Number(values.runs); index++) {
	off?.push(await job('false'));
	on?.push(await job('true'));
}
const builds = (runs = off) => (runs ?? []).map((one) => one.builds);
const posts = (runs = off) => (runs ?? []).map((one) => one.post);
console.log(`post, everything at the end: ${shown(posts(off))}; pushed while it ran: ${shown(posts(on))}`);
console.log(`  that is ${((100 * median(posts(on))) / median(posts(off))).toFixed(1)} % of it (goal: at most 15 %)`);
console.log(`builds, everything at the end: ${shown(builds(off))}; pushed while they ran: ${shown(builds(on))}`);
console.log(`  ${(100 * (median(builds(on)) / median(builds(off)) - 1)).toFixed(1)} % slower (goal: at most 5 %)`);
line.close();
