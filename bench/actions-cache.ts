/**
 * `node bench/actions-cache.ts`: the store in the Actions cache, against `nix copy` and nginx on the same machine. The service is the tests' own, in a process of
 * its own, with its blobs in Azurite (in memory). README.md has what was seen.
 *
 *     node bench/actions-cache.ts [--nix 2.26] [--runs 5] [push] [toolchains] [read] [part] [edit] [start]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { spawnCacheService } from '../__tests__/support/cache-service/connect.ts';
import { buildOne, copyOf, derivation, manyPaths, writeBytes } from '../__tests__/support/derivations.ts';
import { createMachine, type Machine } from '../__tests__/support/machine.ts';
import { type Nginx, startNginx } from '../__tests__/support/nginx.ts';
import type { JobResult, Step } from '../__tests__/support/runner/steps.ts';
import { run, runJob, uses } from '../__tests__/support/runner.ts';
import { ensureRoots } from '../scripts/roots.ts';
import { encodeIndex } from '../src/backends/actions-cache/format/index-writer.ts';
import { cacheVersion, packKey } from '../src/backends/actions-cache/format/keys.ts';
import { indexOf } from '../src/backends/actions-cache/format/merge.ts';
import { encodeBase32 } from '../src/nix/base32.ts';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../src/nix/signature.ts';
import { benchArguments } from './arguments.ts';
import { closureMebibytes, median, shown, storeLarge, storeToolchains } from './closures.ts';

const { nix, runs, wants, has } = benchArguments({ parts: ['push', 'read', 'part', 'edit', 'start'], others: ['toolchains'] });

await ensureRoots([nix, '2.8', '2.26'], console.log);
await using service = await spawnCacheService();
await using machine = await createMachine({ nix });
console.log(
	`Nix ${machine.nixVersion}, Node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}, ${runs} runs each`,
);

let repositories = 0;
/** A repository without a cache entry. */
const fresh = (): string => `octo/bench-${++repositories}`;

async function job(on: Machine, repository: string, steps: readonly Step[]): Promise<JobResult> {
	const result = await runJob(on, steps, { actions: await service.environment({ repository }) });
	if (result.status !== 'success' || result.annotations.length > 0) throw new Error(result.log);
	return result;
}

/** Seconds that post took, and those of them for the upload of what was packed. */
async function push(repository: string, paths: readonly string[]): Promise<readonly [post: number, upload: number]> {
	const result = await job(machine, repository, [uses({ with: { paths: paths.join('\n') } })]);
	const [report] = result.reports;
	const uploadMs = JSON.stringify(report).match(/"finish":(\d+)/)?.[1];
	return [result.stage('post').durationMs / 1000, Number(uploadMs) / 1000];
}

if (wants('push')) {
	const closure = has('toolchains') ? await storeToolchains(machine, 'push') : await storeLarge(machine, 'push', true);
	const size = await closureMebibytes(machine, closure);
	const [ours, theirs, ratios, uploads]: [number[], number[], number[], number[]] = [[], [], [], []];
	for (let index = 0; index <= runs; index++) {
		const repository = fresh();
		const [post, upload] = await push(repository, closure);
		const seconds = post - upload;
		await service.evict({ repository });
		const target = join(machine.work, 'file-cache');
		rmSync(target, { recursive: true, force: true });
		rmSync(join(machine.root, 'root/.cache/nix'), { recursive: true, force: true });
		const startedMs = performance.now();
		await machine.nix(['copy', '--to', `file://${target}?compression=zstd`, ...closure], { timeoutMs: 600_000 });
		const copied = (performance.now() - startedMs) / 1000;
		rmSync(target, { recursive: true });
		if (index === 0) continue;
		ours.push(seconds);
		uploads.push(upload);
		theirs.push(copied);
		ratios.push(copied / seconds);
	}
	console.log(
		`push of a closure of ${size} MiB into packs: post without the upload ${shown(ours)}, nix copy to file:// ${shown(theirs)}: ${median(ratios).toFixed(2)} times as fast. The upload to Azurite on the same cores, ${shown(uploads)}, is not in it`,
	);
}

if (wants('read')) {
	const key = generateKey('bench-1');
	await using nginx = await startNginx();
	writeFileSync(join(machine.work, 'key'), formatSecretKey(key));
	const large = await storeLarge(machine, 'read', true);
	const small = await buildOne(machine, manyPaths(1500, 'read'));
	const paths = [...large, small];
	machine.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ${nginx.username} password ${nginx.password}\n`, 0o600);
	await machine.nix(['copy', '--to', `${nginx.url}?compression=zstd&secret-key=${machine.work}/key`, ...paths], {
		timeoutMs: 600_000,
	});
	const repository = fresh();
	await push(repository, paths);
	await using blobs = await startNginx({ auth: 'none' });
	const copied = await blobsFrom(repository, blobs);
	await using withNginx = startService(copied);
	for (const [where, actions] of [
		['Azurite', null],
		['another nginx', await withNginx.environment()],
	] as const) {
		const [through, from, ratios]: [number[], number[], number[]] = [[], [], []];
		for (let index = 0; index <= runs; index++) {
			await machine.emptyStore();
			const steps = [uses({ with: { push: 'never' } }), run(`nix-store --realise ${paths.join(' ')}`)];
			const result = actions === null ? await job(machine, repository, steps) : await runJob(machine, steps, { actions });
			if (result.status !== 'success' || / built/.test(result.stage('run').log)) throw new Error(result.log);
			const seconds = result.stage('run').durationMs / 1000;
			const plain = await realiseFrom(nginx, formatPublicKey(publicKeyOf(key)), paths);
			if (index === 0) continue;
			through.push(seconds);
			from.push(plain);
			ratios.push(seconds / plain);
		}
		console.log(
			`1,500 small paths and 411 MiB: through the substituter, packs in ${where}, ${shown(through)}; from nginx ${shown(from)}: ${median(ratios).toFixed(2)} times the time`,
		);
	}
}

if (wants('part')) {
	const files = ['one', 'two', 'three', 'four', 'five'];
	const all: string[] = [];
	for (const name of files) {
		const file = join(machine.work, name);
		await writeBytes(file, 200, 1, name);
		all.push(await buildOne(machine, copyOf(file, name), { timeoutMs: 600_000 }));
		rmSync(file);
	}
	const little = await buildOne(machine, derivation({ name: 'little', script: 'head -c 3000000 /dev/urandom > $out' }));
	const repository = fresh();
	await push(repository, [...all, little]);
	const [pack, index] = (await service.entries({ repository })).toSorted((a, b) => (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0));
	await machine.emptyStore();
	await service.resetCounters();
	await job(machine, repository, [uses({ with: { push: 'never' } }), run(`nix-store --realise ${little}`)]);
	const { bytesRead } = await service.counters();
	const moved = bytesRead - (index?.sizeBytes ?? 0);
	console.log(
		`one path of 3,000,000 bytes out of a pack of ${pack?.sizeBytes} bytes: ${moved} bytes and the index (${index?.sizeBytes})`,
	);
	await service.evict({ repository });
}

if (wants('edit')) {
	const file = join(machine.work, 'output');
	await writeBytes(file, 100, 0.4, 'output');
	const before = await buildOne(machine, copyOf(file, 'output'), { timeoutMs: 600_000 });
	const bytes = readFileSync(file);
	bytes.fill(createHash('sha256').update('edit').digest(), 40_000_000, 41_000_000);
	writeFileSync(file, bytes);
	const after = await buildOne(machine, copyOf(file, 'output-2'), { timeoutMs: 600_000 });
	const repository = fresh();
	await service.resetCounters();
	await push(repository, [before]);
	const first = (await service.counters()).bytesWritten;
	await service.resetCounters();
	await push(repository, [after]);
	const second = (await service.counters()).bytesWritten;
	console.log(
		`100 MB rebuilt with an edit of 1 % in one place: ${second} of ${first} bytes uploaded, ${((100 * second) / first).toFixed(1)} %`,
	);
}

if (wants('start')) {
	const folder = join(machine.work, 'serve');
	const indexes = join(machine.work, 'indexes');
	for (const one of [folder, indexes]) mkdirSync(one, { recursive: true });
	writeFileSync(join(indexes, 'big.index'), bigIndex(50_000));
	const chain = { ref: 'refs/heads/main', lastSlot: 1, openSlots: [], files: ['big.index'] };
	const refs = { own: 'refs/heads/main', others: [], isDefault: true };
	writeFileSync(join(indexes, 'indexes.json'), JSON.stringify({ version: 1, storeDir: '/nix/store', refs, chains: [chain] }));
	const seconds: number[] = [];
	let rss = 0;
	for (let index = 0; index < runs; index++) {
		rmSync(join(folder, 'serve.json'), { force: true });
		const handover = { indexesFolder: indexes, storeDir: '/nix/store', priority: 30 };
		const orders = { version: 1, credentials: { username: 'a', password: 'b' }, prefix: 'p', handover };
		writeFileSync(join(folder, 'serve-orders.json'), JSON.stringify(orders));
		const startedMs = performance.now();
		const env = { ...process.env, ...(await service.environment({ repository: 'octo/start' })) };
		const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'dist', 'serve.js'), folder], {
			stdio: 'ignore',
			env,
		});
		let address: { pid: number; worker?: { pid: number } } | null = null;
		while (address === null) {
			await new Promise((resolve) => setTimeout(resolve, 5));
			try {
				address = JSON.parse(readFileSync(join(folder, 'serve.json'), 'utf8'));
			} catch {
				// Not there yet.
			}
		}
		seconds.push((performance.now() - startedMs) / 1000);
		rss = [address.pid, address.worker?.pid ?? 0].filter((pid) => pid > 0).reduce((sum, pid) => sum + peakKib(pid), 0);
		child.kill('SIGTERM');
		await new Promise((resolve) => child.once('close', resolve));
	}
	console.log(
		`serve with an index of 50,000 paths: ready after ${shown(seconds)}, peak memory ${Math.round(rss / 1024)} MiB in all its processes`,
	);
}

async function realiseFrom(nginx: Nginx, trusted: string, paths: readonly string[]): Promise<number> {
	await machine.emptyStore();
	machine.writeFile('/etc/nix/netrc', `machine 127.0.0.1 login ${nginx.username} password ${nginx.password}\n`, 0o600);
	const options = ['--option', 'substituters', nginx.url, '--option', 'trusted-public-keys', trusted];
	const startedMs = performance.now();
	await machine.run(['nix-store', '--realise', ...paths, ...options], { timeoutMs: 600_000 });
	return (performance.now() - startedMs) / 1000;
}

/** URLs by key. */
type Copied = ReadonlyMap<string, string>;

/** Azurite is a JavaScript program on the same two cores, which the real storage is not: a copy of the blobs that nginx serves. */
async function blobsFrom(repository: string, nginx: Nginx): Promise<Copied> {
	const env = await service.environment({ repository });
	const version = cacheVersion('/nix/store');
	const copied = new Map<string, string>();
	for (const { key } of await service.entries({ repository })) {
		const asked = await fetch(
			`${env.ACTIONS_RESULTS_URL}twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL`,
			{
				method: 'POST',
				headers: { authorization: `Bearer ${env.ACTIONS_RUNTIME_TOKEN}`, 'content-type': 'application/json' },
				body: JSON.stringify({ key, version }),
			},
		);
		const { signed_download_url: url }: { signed_download_url: string } = JSON.parse(await asked.text());
		writeFileSync(join(nginx.folder, key), Buffer.from(await (await fetch(url)).arrayBuffer()));
		copied.set(key, `${nginx.url}/${key}`);
	}
	return copied;
}

/** Answers lookups with the URLs of the copies, and nothing else. */
function startService(copied: Copied): AsyncDisposable & { environment(): Promise<Readonly<Record<string, string>>> } {
	const server = createServer(async (request, response) => {
		const { key }: { key: string } = JSON.parse(await text(request));
		const found = [...copied.keys()].filter((one) => one.startsWith(key)).at(-1);
		const answer = found === undefined ? {} : { ok: true, matched_key: found, signed_download_url: copied.get(found) };
		response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
	});
	server.listen(0, '127.0.0.1');
	return {
		async environment() {
			if (!server.listening) await once(server, 'listening');
			const address = server.address();
			const port = typeof address === 'object' && address !== null ? address.port : 0;
			return { ...(await service.environment({})), ACTIONS_RESULTS_URL: `http://127.0.0.1:${port}/` };
		},
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
		},
	};
}

function peakKib(pid: number): number {
	return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** Paths as they are in real stores: ten references each, a signature, one chunk. */
function bigIndex(count: number): Uint8Array {
	const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
	const packs = Array.from({ length: 10 }, (_, pack) => ({
		key: packKey(sha256(`pack ${pack}`).toString('hex').slice(0, 40)),
		sizeBytes: 1e9,
		sha256: sha256(`bytes ${pack}`),
		createdAt: 1,
	}));
	const [firstPack] = packs;
	if (firstPack === undefined) throw new Error('there are packs');
	const names = Array.from(
		{ length: count },
		(_, path) => `/nix/store/${encodeBase32(sha256(`path ${path}`).subarray(0, 20))}-package-${path}-1.2.3`,
	);
	const paths = names.map((path, number) => ({
		usedAt: 1,
		info: {
			path,
			narHash: { algorithm: 'sha256' as const, digest: sha256(`nar ${number}`) },
			narSizeBytes: 5000,
			references: [
				...new Set(Array.from({ length: 10 }, (_, reference) => names[(number * 7 + reference * 13) % count] ?? path)),
			].sort(),
			deriver: `${path}.drv`,
			signatures: [`key-1:${Buffer.concat([sha256(`a ${number}`), sha256(`b ${number}`)]).toString('base64')}`],
			ca: null,
			ultimate: false,
		},
		chunks: [
			{
				id: sha256(`chunk ${number}`),
				narBytes: 5000,
				pack: packs[number % packs.length] ?? firstPack,
				offset: 16 + number * 2000,
				frameBytes: 1900,
				frameHash: sha256(`frame ${number}`).subarray(0, 16),
			},
		],
	}));
	return encodeIndex({ slot: 1, openSlots: [], createdAt: 1, writer: 'bench' }, indexOf('/nix/store', { packs, paths }));
}
