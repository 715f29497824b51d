import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { resolve } from 'node:path';
import type { HttpTarget } from '../cache-target/http.ts';
import type { S3Target } from '../cache-target/s3.ts';
import { isCacheError, systemCode } from '../errors.ts';
import type { Inputs } from '../inputs/inputs.ts';
import { formatNetrc, type NetrcEntry } from '../nix/netrc.ts';
import { withCache } from '../phases/cache.ts';
import { knownNetrc } from '../phases/configure.ts';
import { MOUNT_EFFORT, openMountReader } from '../phases/mount-reader.ts';
import { CACHE_PRIORITY, priorityIn } from '../phases/mounts.ts';
import { formatBytes } from '../quantity.ts';
import type { LocalStore } from '../store/local-store.ts';
import { ADDRESS, type Mount, startSubstituter } from '../substituter/server.ts';
import { optionValue } from './command.ts';
import { type CommandSession, inputsOf, openCommandSession, openStore } from './command-session.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { usageError } from './parse.ts';
import { writeNew } from './private-file.ts';

const ASKING_TIMEOUT_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The kinds that Nix can't always read by itself. */
type ServedTarget = HttpTarget | S3Target;

/** `serve URL` */
export async function serve(context: Context): Promise<ExitStatus> {
	const { args } = context;
	const [url = ''] = args.operands;
	const inputs = await inputsOf(context, { cache: url });
	const target = targetOf(inputs, url);
	const port = portOf(optionValue(context.command, args, 'port'));
	const netrcFile = optionValue(context.command, args, 'netrc-file');
	const store = await openStore(context);
	const session = await openCommandSession(context, inputs);
	const stopped = untilStopped();
	try {
		const netrc = await knownNetrc(inputs, store, stopped.signal);
		const priority = await ask(session, store, target, netrc, stopped.signal);
		const line = target.kind === 's3' ? target.line : target.substituter;
		const source = { kind: 'cache', line, credentials: target.credentials, proxy: null } as const;
		const reader = await openMountReader(session.runner, store.storeDir, netrc, source);
		const order = {
			mount: { name: '', reader, priority: priorityIn(target.substituter) ?? priority ?? CACHE_PRIORITY },
			storeDir: store.storeDir,
			port,
		};
		await serveUntil(
			stopped.wait,
			context,
			order,
			netrcFile === null ? null : { file: resolve(context.cwd, netrcFile), netrc },
		).finally(reader.close);
		return EXIT.well;
	} catch (error) {
		if (stopped.signal.aborted && isCacheError(error, 'cancelled')) return EXIT.well;
		throw error;
	} finally {
		stopped.close();
		await session.close();
	}
}

function targetOf({ caches: [target] }: Inputs, url: string): ServedTarget {
	if (target?.kind === 'http' || target?.kind === 's3') return target;
	throw usageError(
		`Nix reads \`${url}\` by itself.`,
		'Name it in `extra-substituters`; only HTTP caches and buckets are served here.',
	);
}

function portOf(text: string | null): number | null {
	if (text === null) return null;
	const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
	if (port < 1 || port > 65_535) throw usageError('`--port` takes a number from 1 to 65535.');
	return port;
}

/** Whether the cache answers; its priority. */
async function ask(
	session: CommandSession,
	store: LocalStore,
	target: ServedTarget,
	netrc: readonly NetrcEntry[],
	stopped: AbortSignal,
): Promise<number | null> {
	const signal = AbortSignal.any([stopped, AbortSignal.timeout(ASKING_TIMEOUT_MS)]);
	return withCache(session, store, target, netrc, MOUNT_EFFORT, async (backend) => {
		const { note } = await backend.check(false, signal);
		if (note !== null) session.runner.log.warning(note);
		return backend.reads().priority;
	});
}

interface Order {
	readonly mount: Mount;
	readonly storeDir: string;
	readonly port: number | null;
}

interface NetrcOrder {
	readonly file: string;
	/** The entries that Nix reads now. */
	readonly netrc: readonly NetrcEntry[];
}

async function serveUntil(
	stopped: Promise<void>,
	context: Context,
	{ mount, storeDir, port }: Order,
	netrc: NetrcOrder | null,
): Promise<void> {
	const { log } = context.terminal;
	const listener = port === null ? undefined : await listenOn(port);
	const substituter = await startSubstituter({ mounts: [mount], storeDir, listener, log });
	try {
		const { username: login, password } = substituter.credentials;
		const own: NetrcEntry = { machine: ADDRESS, login, password };
		if (netrc !== null) await writeNew(netrc.file, formatNetrc([own, ...netrc.netrc]));
		try {
			announce(context, substituter.url, own, netrc?.file ?? null);
			await stopped;
		} finally {
			if (netrc !== null) await rm(netrc.file, { force: true });
		}
	} finally {
		await substituter.close();
	}
	const { mounts } = substituter.statistics();
	const { paths = 0, narBytes = 0 } = mounts[mount.name] ?? {};
	log.info(`Nix read ${paths} paths (${formatBytes(narBytes)}) from ${mount.reader.label}.`);
}

function announce(
	{ terminal, wantsJson }: Context,
	url: string,
	{ machine, login, password }: NetrcEntry,
	netrcFile: string | null,
): void {
	const { print, log } = terminal;
	if (wantsJson) {
		print(JSON.stringify({ url, machine, login, password }));
		return;
	}
	print(`extra-substituters = ${url}`);
	if (netrcFile === null) print(`machine ${machine} login ${login} password ${password}`);
	else print(`netrc-file = ${netrcFile}`);
	log.info('The lines above are for nix.conf and the netrc, or for `--option` on the command line of Nix. Ctrl-C ends this.');
}

async function listenOn(port: number): Promise<Server> {
	const listener = createServer();
	listener.listen(port, ADDRESS);
	try {
		await once(listener, 'listening');
		return listener;
	} catch (cause) {
		throw usageError(
			`Port ${port} on ${ADDRESS} can't be used (${systemCode(cause) ?? 'unknown'}).`,
			'Give another one, or leave `--port` out.',
		);
	}
}

/** Ends with the first signal: Ctrl-C, a service manager, or the terminal that goes. */
function untilStopped(): { readonly signal: AbortSignal; readonly wait: Promise<void>; close(): void } {
	const controller = new AbortController();
	const onSignal = (): void => controller.abort();
	for (const name of SIGNALS) process.on(name, onSignal);
	const wait = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve(), { once: true }));
	return {
		signal: controller.signal,
		wait,
		close() {
			for (const name of SIGNALS) process.off(name, onSignal);
		},
	};
}
