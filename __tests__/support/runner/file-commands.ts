/** The files that a step writes for the runner (GITHUB_ENV, GITHUB_OUTPUT, ...), read after its process has ended. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a step asked for through its files. */
export interface FileCommands {
	readonly env: Readonly<Record<string, string>>;
	readonly path: readonly string[];
	readonly outputs: Readonly<Record<string, string>>;
	readonly state: Readonly<Record<string, string>>;
	readonly summary: string;
	/** What the runner would refuse; each fails the step. */
	readonly problems: readonly string[];
}

/** Variable and name of each file. */
const FILES = {
	GITHUB_ENV: 'set_env',
	GITHUB_PATH: 'add_path',
	GITHUB_OUTPUT: 'set_output',
	GITHUB_STATE: 'save_state',
	GITHUB_STEP_SUMMARY: 'step_summary',
} as const;
type FileVariable = keyof typeof FILES;

const SUMMARY_LIMIT_BYTES = 1024 * 1024;

/** Fresh empty files for one stage; returns the variables that name them. `own` gives them to the user of the step. */
export function createFiles(temp: string, id: string, own: (path: string) => void): Readonly<Record<FileVariable, string>> {
	const folder = join(temp, '_runner_file_commands');
	mkdirSync(folder, { recursive: true });
	own(folder);
	const create = (variable: FileVariable): string => {
		const path = join(folder, `${FILES[variable]}_${id}`);
		writeFileSync(path, '');
		own(path);
		return path;
	};
	return {
		GITHUB_ENV: create('GITHUB_ENV'),
		GITHUB_PATH: create('GITHUB_PATH'),
		GITHUB_OUTPUT: create('GITHUB_OUTPUT'),
		GITHUB_STATE: create('GITHUB_STATE'),
		GITHUB_STEP_SUMMARY: create('GITHUB_STEP_SUMMARY'),
	};
}

export function readFiles(files: Readonly<Record<FileVariable, string>>): FileCommands {
	const problems: string[] = [];
	const text = (variable: FileVariable): string => readFileSync(files[variable], 'utf8');
	const pairs = (variable: FileVariable): Record<string, string> => {
		try {
			return parsePairs(text(variable));
		} catch (error) {
			problems.push(
				`Unable to process file command '${FILES[variable]}' successfully. ${error instanceof Error ? error.message : error}`,
			);
			return {};
		}
	};
	const env = pairs('GITHUB_ENV');
	if ('NODE_OPTIONS' in env) {
		delete env.NODE_OPTIONS;
		problems.push("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.");
	}
	let summary = text('GITHUB_STEP_SUMMARY');
	const bytes = Buffer.byteLength(summary);
	if (bytes > SUMMARY_LIMIT_BYTES) {
		problems.push(
			`$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got ${Math.ceil(bytes / 1024)}k.`,
		);
		summary = '';
	}
	const path = text('GITHUB_PATH')
		.split(/\r?\n/)
		.filter((line) => line !== '');
	return { env, path, outputs: pairs('GITHUB_OUTPUT'), state: pairs('GITHUB_STATE'), summary, problems };
}

/** `NAME=value`, or `NAME<<DELIMITER`, lines, `DELIMITER`. Throws with the runner's message on anything else. */
export function parsePairs(text: string): Record<string, string> {
	const lines = text.split(/\r?\n/);
	const pairs: Record<string, string> = {};
	for (let at = 0; at < lines.length; at++) {
		const line = lines[at] ?? '';
		if (line === '') continue;
		const equals = line.indexOf('=');
		const heredoc = line.indexOf('<<');
		if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
			if (equals === 0) throw new Error(`Invalid format '${line}'. Name must not be empty`);
			pairs[line.slice(0, equals)] = line.slice(equals + 1);
		} else if (heredoc >= 0) {
			const name = line.slice(0, heredoc);
			const delimiter = line.slice(heredoc + 2);
			if (!name || !delimiter)
				throw new Error(`Invalid format '${line}'. Name must not be empty and delimiter must not be empty`);
			const end = lines.indexOf(delimiter, at + 1);
			if (end < 0) throw new Error(`Invalid value. Matching delimiter not found '${delimiter}'`);
			pairs[name] = lines.slice(at + 1, end).join('\n');
			at = end;
		} else {
			throw new Error(`Invalid format '${line}'`);
		}
	}
	return pairs;
}
