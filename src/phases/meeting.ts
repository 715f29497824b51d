/** How long one waits for the others. */
const PATIENCE_MS = 3_000;

/** Where some parties wait for each other, though not long. */
export interface Meeting {
	wait(): Promise<void>;
	/** Whoever leaves is not waited for. */
	leave(): void;
}

export function meeting(parties: number): Meeting {
	const all = Promise.withResolvers<void>();
	let missing = parties;
	const arrive = (): void => {
		if (--missing <= 0) all.resolve();
	};
	return {
		async wait() {
			arrive();
			const patience = setTimeout(all.resolve, PATIENCE_MS);
			await all.promise;
			clearTimeout(patience);
		},
		leave: arrive,
	};
}
