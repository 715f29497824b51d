import { throwIfAborted } from '../../http/cancel.ts';

/** A number of places, for what takes memory while it is under way. */
export interface Places {
	/** Waits for a free place; answers with what gives it back. Throws when `signal` aborts. */
	enter(signal: AbortSignal, doing: string): Promise<() => void>;
}

export function createPlaces(count: number): Places {
	let free = count;
	const waiting = new Set<() => void>();
	const leave = () => {
		free++;
		for (const wake of waiting) {
			wake();
			break;
		}
	};
	return {
		async enter(signal, doing) {
			for (;;) {
				throwIfAborted(signal, doing);
				if (free > 0) break;
				const { promise, resolve } = Promise.withResolvers<void>();
				const wake = () => resolve();
				waiting.add(wake);
				signal.addEventListener('abort', wake, { once: true });
				await promise;
				waiting.delete(wake);
				signal.removeEventListener('abort', wake);
			}
			free--;
			return leave;
		},
	};
}
