import type { Log } from '../../log.ts';

/** What the SDK would write on the console. Its failures come as errors; its warnings are for those who look for a cause. */
export function sdkLogger(log: Log) {
	const nothing = () => undefined;
	return { debug: nothing, info: nothing, error: nothing, warn: (...texts: readonly unknown[]) => log.debug(texts.join(' ')) };
}
