import { orAborted } from '../../waiting/cancel.ts';
import type { Pack } from './format/model.ts';
import type { FinishedPack } from './pack-file.ts';

/** Packs that go up while the next one is filled. */
export interface EarlyUploads {
	/** For `PackWriterOptions.onFull`. */
	begin(pack: number, finished: Promise<FinishedPack | null>): void;
	/** The pack that is up; `null` when its upload was not begun, or failed, which the end of the push tries again. Throws what `signal` aborts with. */
	ended(pack: number, signal: AbortSignal): Promise<Pack | null>;
	/** Ends what is under way. */
	close(): Promise<void>;
}

/** One at a time: builds and other caches want the line, too. */
export function createEarlyUploads(upload: (pack: FinishedPack, signal: AbortSignal) => Promise<Pack>): EarlyUploads {
	const closing = new AbortController();
	const uploads = new Map<number, Promise<Pack | null>>();
	let last: Promise<unknown> = Promise.resolve();
	return {
		begin(pack, finished) {
			const before = last;
			const run = async (): Promise<Pack | null> => {
				await before;
				const whole = await finished;
				if (whole === null || closing.signal.aborted) return null;
				const up = await upload(whole, closing.signal);
				// A push may be larger than what is free on the disk.
				await whole.close();
				return up;
			};
			const uploaded = run().catch(() => null);
			uploads.set(pack, uploaded);
			last = uploaded;
		},
		async ended(pack, signal) {
			const uploaded = uploads.get(pack);
			return uploaded === undefined ? null : orAborted(uploaded, signal, 'Uploading to the Actions cache');
		},
		async close() {
			closing.abort();
			await last;
		},
	};
}
