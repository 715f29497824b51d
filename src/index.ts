import { askEarly } from './phases/early-question.ts';

/** All but what the end of the job asks before it is loaded. */
const program = () => import('./program.ts');

export const cli = async (): Promise<void> => (await program()).cli();
export const main = async (): Promise<void> => (await program()).main();
export const pre = async (): Promise<void> => (await program()).pre();
export const pusher = async (): Promise<void> => (await program()).pusher();
export const serve = async (): Promise<void> => (await program()).serve();
export const toolkit = async (): Promise<void> => (await program()).toolkit();

/** `cut`: aborted by a signal that comes before the rest is loaded. */
export async function post(cut: AbortSignal): Promise<void> {
	const early = askEarly(process.env);
	await early?.asked;
	return (await program()).post(cut, early);
}
