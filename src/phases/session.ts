import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheError, systemCode } from '../errors.ts';
import { type GetInput, INPUT_NAMES, inputFromEnv } from '../inputs/given.ts';
import { type Inputs, parseInputs } from '../inputs/inputs.ts';
import { secretTexts } from '../inputs/secrets.ts';
import { loadState, type State, saveState } from '../state.ts';
import type { EarlyAnswers } from './early-question.ts';
import { inputsAsKept, inputsToKeep } from './kept-inputs.ts';
import type { Runner } from './runner.ts';

/** One phase of one use of the action: its inputs, and the state that it keeps for the next phases. */
export interface Session {
	readonly runner: Runner;
	readonly inputs: Inputs;
	/** What this process asked the local store before it had a session; `null`: nothing. */
	readonly early: EarlyAnswers | null;
	/** The newest state. */
	state(): State;
	/** Replaces parts of the state and saves it at once, so that a later phase has it whatever happens to this one. */
	keep(change: Partial<Pick<State, 'configuration' | 'main'>>): void;
}

/**
 * Opens pre's or main's session: masks secrets, checks the inputs, makes the folder. Main takes over what pre left.
 * @throws CacheError `input-invalid`, `file-failed`
 */
export async function openSession(runner: Runner): Promise<Session> {
	const get = inputFromEnv(runner.env);
	for (const secret of secretTexts(get)) runner.log.mask(secret);
	const inputs = parseInputs(get);
	const state = loadState(runner.state) ?? newState(runner.env, get);
	await makeFolder(state.folder);
	return { ...keptSession(runner, { ...state, inputs: inputsToKeep(INPUT_NAMES, get) }), inputs, early: null };
}

/** What earlier phases left. Enough to take back what they did, whatever has become of the inputs meanwhile. */
export type KeptSession = Omit<Session, 'inputs' | 'early'>;

/** Opens what there is of post's session without its inputs; `null` when no earlier phase came far enough to leave anything. */
export function resumeSession(runner: Runner): KeptSession | null {
	for (const secret of secretTexts(inputFromEnv(runner.env))) runner.log.mask(secret);
	const state = loadState(runner.state);
	return state === null ? null : keptSession(runner, state);
}

/** All of it. @throws CacheError `input-invalid`: secrets are read anew, and a step in between may have changed them */
export function withInputs(kept: KeptSession, early: EarlyAnswers | null): Session {
	return { ...kept, inputs: parseInputs(inputsAsKept(kept.state(), inputFromEnv(kept.runner.env))), early };
}

/** The session of the background process that pushes: main's, with the inputs as main had them. */
export function backgroundSession(runner: Runner, get: GetInput, state: State): Session {
	for (const secret of secretTexts(get)) runner.log.mask(secret);
	return { runner, inputs: parseInputs(get), early: null, state: () => state, keep: () => undefined };
}

/** Removes what this use left in `RUNNER_TEMP`, but for the report. */
export async function removeFolder(state: State): Promise<void> {
	await rm(state.folder, { recursive: true, force: true });
}

function keptSession(runner: Runner, initial: State): KeptSession {
	let state = initial;
	const save = (): void => saveState(state, runner.saveState);
	save();
	return {
		runner,
		state: () => state,
		keep(change) {
			state = { ...state, ...change };
			save();
		},
	};
}

function newState(env: Runner['env'], get: GetInput): State {
	const id = randomBytes(6).toString('hex');
	const temp = env.RUNNER_TEMP ?? tmpdir();
	return {
		version: 1,
		id,
		folder: join(temp, `nix-cache-action-${id}`),
		reportFile: join(temp, `nix-cache-action-report-${id}.json`),
		inputs: inputsToKeep(INPUT_NAMES, get),
		configuration: null,
		main: null,
	};
}

async function makeFolder(folder: string): Promise<void> {
	try {
		await mkdir(folder, { recursive: true, mode: 0o700 });
	} catch (cause) {
		throw new CacheError('file-failed', `The folder ${folder} can't be made (${systemCode(cause) ?? 'unknown'}).`, {
			hint: 'The action keeps its files in RUNNER_TEMP, which must be writable.',
			cause,
		});
	}
}
