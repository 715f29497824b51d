import { describeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { visitInFlight } from '../in-flight.ts';
import type { CachixApi, Upload } from './cachix-api.ts';

/** Uploads that were begun and are not complete. What is left of them is given up, so that no parts stay behind on the server. */
export interface OpenUploads {
	begin(compression: 'zst' | 'xz', signal: AbortSignal): Promise<Upload>;
	/** It was completed: nothing is to be given up. */
	done(upload: Upload): void;
	/** It will not be completed. Begins to tell the server, and waits for nothing: the signal of whoever fails may have aborted. */
	drop(upload: Upload): void;
	/** Gives up what is left, and waits for what was dropped; for `CLOSE_MS` at most. */
	close(): Promise<void>;
}

const DROP_MS = 5_000;
const CLOSE_MS = 5_000;
const DROPS_IN_FLIGHT = 8;

export function createOpenUploads(api: Pick<CachixApi, 'begin' | 'abort'>, log: Log): OpenUploads {
	const open = new Set<Upload>();
	const dropping = new Set<Promise<void>>();
	const abort = async (upload: Upload, signal: AbortSignal): Promise<void> => {
		open.delete(upload);
		try {
			await api.abort(upload, signal);
		} catch (error) {
			log.debug(`An upload was not given up: ${describeError(error)}`);
		}
	};
	return {
		async begin(compression, signal) {
			const upload = await api.begin(compression, signal);
			open.add(upload);
			return upload;
		},
		done: (upload) => void open.delete(upload),
		drop(upload) {
			const dropped = abort(upload, AbortSignal.timeout(DROP_MS));
			dropping.add(dropped);
			void dropped.finally(() => dropping.delete(dropped));
		},
		async close() {
			const limit = AbortSignal.timeout(CLOSE_MS);
			await visitInFlight([...open], DROPS_IN_FLIGHT, limit, abort);
			await Promise.all(dropping);
		},
	};
}
