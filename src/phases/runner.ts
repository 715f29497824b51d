import * as core from '@actions/core';
import type { Log } from '../log.ts';
import { createMasking } from './masking.ts';

/** What a phase may ask of the runner. The only place that knows `@actions/core`. */
export interface Runner {
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly log: Log;
	/** For the later phases of this same step; never seen by other steps. */
	saveState(name: string, value: string): void;
	state(name: string): string;
	setOutput(name: string, value: string): void;
	/** For all later steps of the job. */
	exportVariable(name: string, value: string): void;
	/** Puts a folder in front of `PATH`, for this process and all later steps of the job. */
	addPath(folder: string): void;
	/** Appends Markdown to the job summary. */
	addSummary(markdown: string): Promise<void>;
	/** Marks the step as failed, with one annotation. */
	fail(message: string, title?: string): void;
}

/** @param announces whether masks are told to the runner; a background process has none that listens, and its output is a file */
export function createRunner(env: Readonly<Record<string, string | undefined>>, announces = true): Runner {
	const log = createLog(announces);
	return {
		env,
		log,
		saveState: core.saveState,
		state: core.getState,
		setOutput: core.setOutput,
		exportVariable: core.exportVariable,
		addPath: core.addPath,
		async addSummary(markdown) {
			if (env.GITHUB_STEP_SUMMARY === undefined) return;
			await core.summary.addRaw(log.clean(markdown), true).write();
		},
		fail(message, title) {
			log.error(message, title);
			process.exitCode = core.ExitCode.Failure;
		},
	};
}

/** A log on the runner's standard output that replaces every secret that it was told of, also in derived texts. */
function createLog(announces: boolean): Log & { clean(text: string): string } {
	const { add, clean } = createMasking();
	const line = (text: string): string => withoutCommands(clean(text));
	const annotated = (title: string | undefined): core.AnnotationProperties => (title === undefined ? {} : { title });
	return {
		clean,
		debug: (message) => core.debug(line(message)),
		info: (message) => core.info(line(message)),
		notice: (message, title) => core.notice(line(message), annotated(title)),
		warning: (message, title) => core.warning(line(message), annotated(title)),
		error: (message, title) => core.error(line(message), annotated(title)),
		group: (title, body) => core.group(line(title), body),
		mask(secret) {
			if (add(secret) && announces) core.setSecret(secret);
		},
	};
}

/**
 * Takes the power out of text that came from elsewhere (a server's answer, a file name): the runner obeys `::command::` at the start of a
 * line and the older `##[command]` anywhere in it.
 */
function withoutCommands(text: string): string {
	return text
		.replaceAll('##[', '# #[')
		.replace(/^(\s*):(?=:)/gm, '$1: ')
		.replace(/[\0-\x08\x0b-\x1f\x7f]/g, '?');
}
