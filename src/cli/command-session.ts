import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CacheError, systemCode } from '../errors.ts';
import type { GetInput } from '../inputs/given.ts';
import { type Inputs, parseInputs } from '../inputs/inputs.ts';
import { secretTexts } from '../inputs/secrets.ts';
import type { Runner } from '../phases/runner.ts';
import type { Session } from '../phases/session.ts';
import type { MainState } from '../state.ts';
import { type LocalStore, openLocalStore } from '../store/local-store.ts';
import { optionValue } from './command.ts';
import type { Context, Environment } from './context.ts';
import { usageError } from './parse.ts';

/** Inputs that have another meaning, or another default, without a job around: a command does what it is told. */
const FIXED: Readonly<Record<string, string>> = { push: 'always', fallback: 'none', 'on-push-failure': 'fail' };

/** More than any key has. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

const NIX_TIMEOUT_MS = 120_000;

/** A session of its own for one command, with nothing before it and nothing after. */
export interface CommandSession extends Session {
	/** What `main` would have found out. */
	decide(main: MainState): void;
	/** Removes all that lies on disk for it. */
	close(): Promise<void>;
}

/**
 * The inputs of the action as this command line gives them: from options, environment variables, and `given` (by name). Every secret is masked before anything is
 * checked. @throws CacheError `input-invalid`, `file-failed`
 */
export async function inputsOf(context: Context, given: Readonly<Record<string, string>>): Promise<Inputs> {
	const get = await inputReader(context, given);
	for (const secret of secretTexts(get)) context.terminal.log.mask(secret);
	return parseInputs(get);
}

async function inputReader({ command, args, env, cwd }: Context, given: Readonly<Record<string, string>>): Promise<GetInput> {
	const found = new Map(Object.entries({ ...FIXED, ...given }));
	for (const { name, input } of command.variables) found.set(input, (env[name] ?? '').trim());
	for (const option of command.options) {
		if (option.input === undefined) continue;
		const values = args.values.get(option.name) ?? [];
		if (values.some((value) => /[\r\n]/.test(value))) throw usageError(`\`--${option.name}\` has a line break in its value.`);
		found.set(option.input, values.length > 0 ? values.join('\n') : (option.default ?? ''));
	}
	const keyFile = optionValue(command, args, 'signing-key-file');
	if (keyFile !== null) found.set('signing-key', await readKey(resolve(cwd, keyFile), found.get('signing-key') ?? ''));
	return (name) => found.get(name) ?? '';
}

async function readKey(file: string, other: string): Promise<string> {
	if (other !== '') throw usageError('Both `--signing-key-file` and NIX_CACHE_SIGNING_KEY are given.', 'Give one of them.');
	try {
		if ((await stat(file)).size > MAX_KEY_FILE_BYTES) throw usageError(`${file} is too large for a key.`);
		return (await readFile(file, 'utf8')).trim();
	} catch (cause) {
		if (cause instanceof CacheError) throw cause;
		throw usageError(`The file ${file} of \`--signing-key-file\` can't be read (${systemCode(cause) ?? 'unknown'}).`);
	}
}

/** @throws CacheError `file-failed` */
export async function openCommandSession(context: Context, inputs: Inputs): Promise<CommandSession> {
	const id = randomBytes(6).toString('hex');
	const folder = await makeFolder(context.env.RUNNER_TEMP ?? tmpdir());
	let main: MainState | null = null;
	return {
		runner: runnerOf(context),
		inputs,
		early: null,
		state: () => ({ version: 1, id, folder, reportFile: join(folder, 'report.json'), inputs: {}, configuration: null, main }),
		keep: () => undefined,
		decide(decision) {
			main = decision;
		},
		close: () => rm(folder, { recursive: true, force: true }),
	};
}

async function makeFolder(parent: string): Promise<string> {
	try {
		return await mkdtemp(join(parent, 'nix-cache-action-'));
	} catch (cause) {
		throw new CacheError('file-failed', `No folder can be made in ${parent} (${systemCode(cause) ?? 'unknown'}).`, {
			hint: 'Set TMPDIR to a folder that you can write to.',
			cause,
		});
	}
}

/** There are no later phases and no outputs. */
function runnerOf(context: Context): Runner {
	const { log } = context.terminal;
	const nothing = (): void => undefined;
	return {
		env: { ...withoutSecrets(context), GITHUB_WORKSPACE: context.cwd },
		log,
		saveState: nothing,
		state: () => '',
		setOutput: nothing,
		exportVariable: nothing,
		addPath: nothing,
		addSummary: async () => undefined,
		fail: log.error,
	};
}

/** The environment for programs that are started: they have no use for what this one was given. */
export function withoutSecrets({ command, env }: Pick<Context, 'command' | 'env'>): Environment {
	const secrets = new Set(command.variables.map(({ name }) => name));
	return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name)));
}

/** The store of this machine. @throws CacheError `nix-missing`, and what opening it throws */
export async function openStore(context: Context): Promise<LocalStore> {
	const { log } = context.terminal;
	const store = await openLocalStore({ env: withoutSecrets(context), log, signal: AbortSignal.timeout(NIX_TIMEOUT_MS) });
	if (store !== null) return store;
	throw new CacheError('nix-missing', 'There is no Nix on this machine.', {
		hint: 'Install it, and see that `nix` is in PATH (`. /nix/var/nix/profiles/default/etc/profile.d/nix-daemon.sh`).',
	});
}

/** For a session that pushes to the first cache of its inputs. */
export function pushingTo(store: LocalStore, indexesFolder: string | null): MainState {
	return {
		store: store.description,
		snapshotFile: null,
		targets: [{ line: 0, whyNot: null, failed: false }],
		journal: null,
		isShared: false,
		pusherFolder: null,
		whyNot: null,
		indexesFolder,
		substituterFolder: null,
		served: {},
		warnings: [],
	};
}
