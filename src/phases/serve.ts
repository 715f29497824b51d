import { createRunner } from './runner.ts';

/** The background process. Nothing starts it yet: the local substituter and the continuous push will live here. */
export async function serve(): Promise<void> {
	createRunner(process.env).log.debug('serve: nothing to do in this version.');
}
