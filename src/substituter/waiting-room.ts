import type { Socket } from 'node:net';

/** Where connections wait while nobody serves. */
export interface WaitingRoom {
	readonly enter: (connection: Socket) => void;
	/** From now on, who waits and who comes goes here; `null`: to wait again. */
	leadTo(serve: ((connection: Socket) => void) | null): void;
	/** Ends those that wait. */
	close(): void;
}

export function createWaitingRoom(): WaitingRoom {
	const waiting = new Set<Socket>();
	let serve: ((connection: Socket) => void) | null = null;
	return {
		enter(connection) {
			connection.on('error', () => undefined);
			if (serve !== null) {
				serve(connection);
				return;
			}
			waiting.add(connection);
			connection.once('close', () => waiting.delete(connection));
		},
		leadTo(next) {
			serve = next;
			if (next === null) return;
			for (const connection of waiting) next(connection);
			waiting.clear();
		},
		close() {
			for (const connection of waiting) connection.destroy();
		},
	};
}
