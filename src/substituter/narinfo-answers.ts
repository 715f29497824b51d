import type { PathReader } from '../backends/path-reader.ts';
import { CacheError } from '../errors.ts';
import { checkContentAddress } from '../nix/content-address.ts';
import { formatNarInfo, type NarInfo } from '../nix/narinfo.ts';
import { hashPartOf, parseStorePath } from '../nix/store-path.ts';
import { formatNarAddress } from './nar-address.ts';
import type { Outage } from './outage.ts';
import type { Trouble } from './trouble.ts';
import { withinLimit } from './within-limit.ts';

export interface NarInfoOptions {
	readonly reader: PathReader;
	readonly storeDir: string;
	/** Applied last, such as to add a signature. */
	readonly sign: (info: NarInfo) => NarInfo;
	/** The longest that an answer may take. */
	readonly limitMs: number;
	/** How long a miss is believed without asking again. */
	readonly missMs: number;
	readonly nowMs: () => number;
	readonly outage: Outage;
	readonly trouble: Trouble;
	readonly signal: AbortSignal;
}

/** Gives the text of a path's narinfo, `null` when it is not there or can't be had. Never throws. */
export type NarInfoAnswers = (hashPart: string) => Promise<Buffer | null>;

/** Some hundred kilobytes; beyond it all are forgotten at once. */
const MAX_MISSES = 10_000;

/** Asks the reader once for all requests for the same path that run at the same time, and not at all shortly after a miss. */
export function createNarInfoAnswers(options: NarInfoOptions): NarInfoAnswers {
	const { nowMs, missMs } = options;
	const running = new Map<string, Promise<Buffer | null>>();
	const misses = new Map<string, number>();

	const ask = async (hashPart: string): Promise<Buffer | null> => {
		const { outage, trouble } = options;
		const doing = `narinfo of ${hashPart}`;
		if (outage.isOn()) return null;
		try {
			const info = await withinLimit({ limitMs: options.limitMs, signal: options.signal, doing }, (signal) =>
				options.reader.narInfo(hashPart, signal),
			);
			outage.succeeded();
			if (info !== null) return Buffer.from(formatNarInfo(served(info, hashPart, options)));
			if (misses.size >= MAX_MISSES) misses.clear();
			misses.set(hashPart, nowMs() + missMs);
		} catch (error) {
			outage.failed(error);
			trouble(error, doing);
		}
		return null;
	};

	return (hashPart) => {
		const missUntil = misses.get(hashPart);
		if (missUntil !== undefined && nowMs() < missUntil) return Promise.resolve(null);
		if (missUntil !== undefined) misses.delete(hashPart);
		const shared = running.get(hashPart);
		if (shared !== undefined) return shared;
		const answer = ask(hashPart).finally(() => running.delete(hashPart));
		running.set(hashPart, answer);
		return answer;
	};
}

/**
 * The reader's narinfo as clients get it: with a URL of ours, and without a content address that does not fit, because Nix aborts
 * (SIGABRT, 2.8 to 2.34) on one; without the field it only asks for a signature.
 */
function served(info: NarInfo, hashPart: string, { storeDir, sign }: NarInfoOptions): NarInfo {
	const { path } = parseStorePath(info.storePath, storeDir);
	if (hashPartOf(path) !== hashPart) throw new CacheError('cache-invalid', `The cache gave ${path} for ${hashPart}.`);
	const fits = checkContentAddress({ path, references: info.references, ca: info.ca }, storeDir) === null;
	const url = formatNarAddress({ hashPart, readerUrl: info.url }, info.compression);
	return sign({ ...info, url, ca: fits ? info.ca : null });
}
