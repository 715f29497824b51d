/** Where the action says what it does. Messages are single lines; every sink masks the secrets that it was told of. */
export interface Log {
	/** Shown only when the runner's debug switch is on. */
	debug(message: string): void;
	info(message: string): void;
	/** One annotation each, in yellow; `title` is a few words. */
	notice(message: string, title?: string): void;
	warning(message: string, title?: string): void;
	error(message: string, title?: string): void;
	/** Runs `body` with its lines folded under `title`. */
	group<T>(title: string, body: () => Promise<T>): Promise<T>;
	/** From now on `secret` is replaced by `***` in all that is written. Shorter than 4 characters: nothing would be left to read, so it is only given to the runner. */
	mask(secret: string): void;
}

/** What is known before it is said. */
export interface Warning {
	readonly text: string;
	readonly title: string;
}
