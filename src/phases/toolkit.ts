import { runToolkit } from '../backends/actions-cache/toolkit-program.ts';

/** The process that `@actions/cache` runs in. Its only argument is what it is asked. */
export async function toolkit(): Promise<void> {
	await runToolkit(process.argv[2] ?? '');
}
