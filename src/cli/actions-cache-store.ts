import type { Context } from './context.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';

export async function list({ terminal }: Context): Promise<ExitStatus> {
	terminal.print('not built yet');
	return EXIT.failed;
}

export async function collect({ terminal }: Context): Promise<ExitStatus> {
	terminal.print('not built yet');
	return EXIT.failed;
}
