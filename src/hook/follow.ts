import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Journal, JournalBatch } from './journal.ts';

export interface FollowOptions {
	/** The journal's file: a change of it ends the wait early. */
	readonly file: string;
	/** The longest that a record is left lying where no change is seen (network and layered file systems). Default: 500 ms. */
	readonly pollMs?: number;
	/** Ends it: what is there by then is handed out first. */
	readonly signal: AbortSignal;
}

const POLL_MS = 500;

/**
 * Hands out what comes to the journal, until the signal aborts and all that came before it is handed out. What the caller does not keep is left to the next
 * reader. Throws what the journal throws.
 */
export async function* followJournal(journal: Journal, options: FollowOptions): AsyncGenerator<JournalBatch, void> {
	const { file, pollMs = POLL_MS, signal } = options;
	const changes = watchFile(file);
	try {
		for (;;) {
			const isLast = signal.aborted;
			const changed = changes.next();
			const batch = await journal.read();
			if (batch.records.length > 0) yield batch;
			else if (isLast) return;
			else await firstOf(changed, pollMs, signal);
		}
	} finally {
		changes.close();
	}
}

async function firstOf(changed: Promise<void>, pollMs: number, signal: AbortSignal): Promise<void> {
	const waited = new AbortController();
	const aborted = AbortSignal.any([signal, waited.signal]);
	try {
		await Promise.race([changed, sleep(pollMs, undefined, { signal: aborted }).catch(() => undefined)]);
	} finally {
		waited.abort();
	}
}

interface Changes {
	/** Ends with the next change that is seen; perhaps never. */
	next(): Promise<void>;
	close(): void;
}

/** A file that is not there, or a system that can't watch any more files, has changes that nobody sees. */
function watchFile(file: string): Changes {
	let onChange = (): void => undefined;
	let watcher: FSWatcher | null = null;
	try {
		watcher = watch(file, () => onChange());
		watcher.on('error', () => watcher?.close());
	} catch {
		watcher = null;
	}
	return {
		next() {
			const { promise, resolve } = Promise.withResolvers<void>();
			onChange = resolve;
			return promise;
		},
		close: () => watcher?.close(),
	};
}
