/** What the cache service holds, and how it finds an entry. No I/O. */
import type { Scope } from './job.ts';
import { READ, WRITE } from './job.ts';

export interface Entry {
	/** Ascending in the order of creation. */
	readonly id: number;
	readonly repository: string;
	readonly scope: string;
	readonly key: string;
	readonly version: string;
	/** The name of its blob. */
	readonly blob: string;
	/** `null` while it is reserved and not uploaded. */
	readonly sizeBytes: number | null;
	/** When it was finalized. */
	readonly committedAtMs: number | null;
}

export interface EntryRules {
	/** An entry that exists, or is reserved, refuses another of the same key, version and scope. act's server takes it, and the newest wins. */
	readonly immutable: boolean;
	/** act and Forgejo make keys lower case and answer with that. */
	readonly lowerCase: boolean;
}

/** The part of an entry that somebody who asks or stores names. */
export interface Name {
	readonly repository: string;
	readonly scopes: readonly Scope[];
	readonly version: string;
}

export interface Entries {
	all(): readonly Entry[];
	/** The reserved entry; `null` when there is one already. */
	reserve(name: Name, key: string): Entry | null;
	/** The entry that this job reserved and has not finalized yet. */
	reserved(name: Name, key: string): Entry | null;
	byId(id: number): Entry | null;
	commit(id: number, sizeBytes: number): Entry;
	/**
	 * GitHub's documented search (docs.github.com, "Dependency caching reference"): in each scope in turn the first key as it is, then the keys in
	 * their order as prefixes, of which the entry created last wins. Entries committed after `visibleUntilMs` are not seen yet.
	 */
	find(name: Name, keys: readonly string[], visibleUntilMs: number): Entry | null;
	remove(ids: ReadonlySet<number>): void;
}

export function createEntries(rules: EntryRules, now: () => number): Entries {
	let entries: readonly Entry[] = [];
	let lastId = 1000;
	const spelled = (key: string): string => (rules.lowerCase ? key.toLowerCase() : key);
	const same = (entry: Entry, name: Name, scope: string): boolean =>
		entry.repository === name.repository && entry.version === name.version && entry.scope === scope;
	const writable = (name: Name): string => {
		const scope = name.scopes.find(({ Permission }) => (Permission & WRITE) !== 0);
		if (scope === undefined) throw new Error('no writable scope: the caller refuses such a job');
		return scope.Scope;
	};

	return {
		all: () => entries,
		reserve(name, key) {
			const scope = writable(name);
			if (rules.immutable && entries.some((entry) => same(entry, name, scope) && entry.key === spelled(key))) return null;
			const id = ++lastId;
			const entry: Entry = {
				id,
				repository: name.repository,
				scope,
				key: spelled(key),
				version: name.version,
				blob: `${(id * 2654435761).toString(16).slice(-3)}-${id}`,
				sizeBytes: null,
				committedAtMs: null,
			};
			entries = [...entries, entry];
			return entry;
		},
		reserved: (name, key) =>
			entries.findLast(
				(entry) => same(entry, name, writable(name)) && entry.key === spelled(key) && entry.committedAtMs === null,
			) ?? null,
		byId: (id) => entries.find((entry) => entry.id === id) ?? null,
		commit(id, sizeBytes) {
			const index = entries.findIndex((entry) => entry.id === id);
			const before = entries[index];
			if (before === undefined) throw new Error(`no entry ${id}`);
			const entry = { ...before, sizeBytes, committedAtMs: now() };
			entries = entries.with(index, entry);
			return entry;
		},
		find(name, keys, visibleUntilMs) {
			const readable = name.scopes.filter(({ Permission }) => (Permission & READ) !== 0);
			for (const { Scope: scope } of readable) {
				const seen = entries.filter(
					(entry) => same(entry, name, scope) && entry.committedAtMs !== null && entry.committedAtMs <= visibleUntilMs,
				);
				const exact = seen.findLast((entry) => entry.key === spelled(keys[0] ?? ''));
				if (exact !== undefined) return exact;
				for (const key of keys) {
					const match = seen.findLast((entry) => entry.key.startsWith(spelled(key)));
					if (match !== undefined) return match;
				}
			}
			return null;
		},
		remove(ids) {
			entries = entries.filter(({ id }) => !ids.has(id));
		},
	};
}
