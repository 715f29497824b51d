import { askEarly } from './phases/early-question.ts';

/** All but what the end of the job asks before it is loaded. */
const program = () => import('./program.ts');

export const cli = async (): Promise<void> => (await program()).cli();
export const main = async (): Promise<void> => (await program()).main();
export const pre = async (): Promise<void> => (await program()).pre();
export const pusher = async (): Promise<void> => (await program()).pusher();
export const serve = async (): Promise<void> => (await program()).serve();
export const toolkit = async (): Promise<void> => (await program()).toolkit();

/** `early`: aborted by a signal that comes before the rest is loaded. */
export async function post(early: AbortSignal): Promise<void> {
	const asked = askEarly(process.env);
	await asked?.asked;
	return (await program()).post(early, asked);
}
