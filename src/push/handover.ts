/** Gives an item to the reader. Resolves when the reader asks for the one after it; calls need not wait for each other. */
export type Give<Item> = (item: Item) => Promise<void>;

/**
 * What `run` gives, for a reader that asks for one item after another. By the promises of its items `run` sees how far behind the reader is. Throws what
 * `run` throws, when everything that it gave before has been read, and `signal.reason`. When the reader leaves early, the signal that `run` has is
 * aborted and nobody waits for its items any more; the end of `run` is waited for in any case.
 */
export async function* handedOver<Item>(
	run: (give: Give<Item>, signal: AbortSignal) => Promise<void>,
	signal: AbortSignal,
): AsyncGenerator<Item, void, void> {
	const left = new AbortController();
	const waiting: { readonly item: Item; readonly done: () => void }[] = [];
	let news = Promise.withResolvers<void>();
	let ended = false;
	const give: Give<Item> = (item) =>
		new Promise((done) => {
			if (left.signal.aborted) return done();
			waiting.push({ item, done });
			news.resolve();
		});
	const running = run(give, AbortSignal.any([signal, left.signal])).finally(() => {
		ended = true;
		news.resolve();
	});
	// The reader is told of it below.
	running.catch(() => {});
	try {
		while (!ended || waiting.length > 0) {
			signal.throwIfAborted();
			const next = waiting.shift();
			if (next === undefined) {
				await news.promise;
				news = Promise.withResolvers();
				continue;
			}
			try {
				yield next.item;
			} finally {
				next.done();
			}
		}
		await running;
	} finally {
		left.abort();
		for (const { done } of waiting.splice(0)) done();
		await running.catch(() => {});
	}
}
