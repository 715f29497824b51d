import type { Context } from './context.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';

export async function doctor({ terminal }: Context): Promise<ExitStatus> {
	terminal.print('not built yet');
	return EXIT.failed;
}
