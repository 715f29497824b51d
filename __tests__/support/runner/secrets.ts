/** Looks for secrets everywhere that someone else than the job's own processes could read (invariant I7). */
import { type Dirent, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, type Machine } from '../machine.ts';
import { encodings } from './job-log.ts';

/** Where a secret was found, and its number in the list of secrets: a failing test must not print it. */
export interface Leak {
	readonly where: string;
	readonly secret: number;
}

const LARGEST_FILE_BYTES = 16 * 1024 * 1024;
/** Folders of the machine where the action, Nix or sudo could leave a file. */
const WRITABLE_FOLDERS = ['/etc', '/home', '/root', '/run', '/tmp', '/var/log', '/var/tmp'];

/** Leaks in a text that others read. */
export function leaksInText(where: string, text: string, secrets: readonly string[]): readonly Leak[] {
	return secrets.flatMap((secret, number) =>
		forms(secret).some((form) => text.includes(form)) ? [{ where, secret: number }] : [],
	);
}

/**
 * Leaks in files changed since `sinceMs` (epoch) that others than their owner can read, in the job's folder and the machine's own.
 */
export function leaksInReadableFiles(
	machine: Machine,
	folder: string,
	secrets: readonly string[],
	sinceMs: number,
): readonly Leak[] {
	// The checkout may lie in one of them (a clone in /tmp), with the tests' own words in vitest's cache; the machine can't write there.
	const except = [machine.outside(machine.work), machine.outside(CHECKOUT)];
	const folders = [...WRITABLE_FOLDERS.map((path) => machine.outside(path)), folder];
	return folders.flatMap((path) =>
		[...readableFiles(path, except)].flatMap((file) => {
			const { ctimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? { ctimeMs: 0, size: 0 };
			if (ctimeMs < sinceMs || size > LARGEST_FILE_BYTES) return [];
			return leaksInFile(file, secrets);
		}),
	);
}

/** Leaks in the store: everyone can read all of it. */
export function leaksInStore(machine: Machine, secrets: readonly string[]): readonly Leak[] {
	return [...readableFiles(machine.storeFolder)].flatMap((file) => leaksInFile(file, secrets));
}

/** Regular files under `path`, but not under `except`, which others than the owner can read, by the modes on the way from there. */
function* readableFiles(path: string, except: readonly string[] = []): Generator<string> {
	if (except.includes(path)) return;
	const { mode } = lstatSync(path, { throwIfNoEntry: false }) ?? { mode: 0 };
	if ((mode & 0o055) === 0) return;
	for (const entry of entries(path)) {
		const inner = join(path, entry.name);
		if (entry.isDirectory()) yield* readableFiles(inner, except);
		else if (entry.isFile() && ((lstatSync(inner, { throwIfNoEntry: false })?.mode ?? 0) & 0o044) !== 0) yield inner;
	}
}

function entries(path: string): readonly Dirent[] {
	try {
		return readdirSync(path, { withFileTypes: true });
	} catch {
		return []; // removed meanwhile
	}
}

function leaksInFile(file: string, secrets: readonly string[]): readonly Leak[] {
	try {
		return leaksInText(file, readFileSync(file, 'latin1'), secrets);
	} catch {
		return []; // removed meanwhile
	}
}

/** Of a signing key (`name:base64`) also the part that matters alone, and its seed. */
function forms(secret: string): readonly string[] {
	const key = /^[\w.-]+:([A-Za-z0-9+/]{86,88}={0,2})$/.exec(secret.trim())?.[1];
	return key === undefined ? encodings(secret) : [...encodings(secret), key, key.slice(0, 42)];
}
