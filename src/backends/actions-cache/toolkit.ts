import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CacheError, systemCode } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ObjectBody } from '../object-store.ts';
import type { CacheService, FoundEntry } from './cache-service.ts';
import { ANSWER_FILE, type ToolkitAnswer, type ToolkitRequest } from './toolkit-program.ts';

export interface ToolkitOptions {
	/** That of the action, as the runner made it. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** Absolute path of what calls `runToolkit` with its argument. */
	readonly script: string;
	/** The namespace: 64 hexadecimal digits. */
	readonly version: string;
	readonly whyNoRead: string | null;
	readonly whyNoWrite: string | null;
	readonly refusesDuplicates: boolean;
	/** Made when needed; what was restored lies there until `close`. */
	readonly folder: string;
	readonly log: Log;
}

/** A pack of 1 GiB on a slow line. */
const CALL_LIMIT_MS = 15 * 60_000;
const MAX_LOG_BYTES = 256 * 1024;

/**
 * The Actions cache through the public interface of `@actions/cache`: for servers that speak the older protocol (GHES, act, Gitea, Forgejo), and for the day on which
 * the newer one changes. An entry is an archive with one file; reading a part of it fetches all of it once.
 */
export function openToolkit(options: ToolkitOptions): CacheService {
	const { log, version, folder } = options;
	// The toolkit derives its namespace from the names of the files.
	const path = `nix-cache-action-${version.slice(0, 16)}`;
	const restored = new Map<string, Promise<string | null>>();

	const call = async <T>(
		request: ToolkitRequest,
		signal: AbortSignal,
		use: (place: string, answer: ToolkitAnswer, output: string) => Promise<T>,
		prepare?: (place: string) => Promise<void>,
	): Promise<T> => {
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const place = await mkdtemp(join(folder, 'toolkit-'));
		try {
			await prepare?.(place);
			const output = await run(options, place, request, signal);
			for (const line of output.split('\n')) if (line.trim() !== '') log.debug(`@actions/cache: ${line.replace(/^::\w+::/, '')}`);
			return await use(place, await answerIn(place), output);
		} finally {
			await rm(place, { recursive: true, force: true });
		}
	};

	/** The file of an entry, fetched once; `null` when the entry has gone. */
	const fetched = (key: string, signal: AbortSignal): Promise<string | null> => {
		const known = restored.get(key);
		if (known !== undefined) return known;
		const request = { call: 'restore', path, key, restoreKeys: [], lookupOnly: false } as const;
		const file = call(request, signal, async (place, { returned }, output) => {
			if (typeof returned !== 'string' || returned.toLowerCase() !== key.toLowerCase()) {
				refuse(output);
				return null;
			}
			const kept = join(folder, `entry-${randomBytes(8).toString('hex')}`);
			await pipeline(createReadStream(join(place, path)), createWriteStream(kept, { mode: 0o600, flags: 'wx' }));
			return kept;
		});
		restored.set(key, file);
		file.catch(() => restored.delete(key));
		return file;
	};

	const entryOf = (key: string): FoundEntry => ({
		key: key.toLowerCase(),
		async read(range, signal) {
			const file = await fetched(key, signal);
			if (file === null) return null;
			const { size } = await stat(file);
			if (range !== null && range.end >= size)
				throw new CacheError('cache-invalid', `The entry \`${key}\` has ${size} bytes and should have more than ${range.end}.`);
			return createReadStream(file, range ?? {});
		},
	});

	return {
		transport: 'toolkit',
		label: 'the Actions cache',
		whyNoRead: options.whyNoRead,
		whyNoWrite: options.whyNoWrite,
		refusesDuplicates: options.refusesDuplicates,
		async lookup(which, signal) {
			const [key, restoreKeys] = 'key' in which ? [which.key, []] : [which.newestOf, [which.newestOf]];
			const request = { call: 'restore', path, key, restoreKeys, lookupOnly: true } as const;
			const returned = await call(request, signal, async (_, answer, output) => {
				if (answer.returned === null) refuse(output);
				return answer.returned;
			});
			if (typeof returned !== 'string') return null;
			const isWanted = 'key' in which ? returned.toLowerCase() === which.key : returned.toLowerCase().startsWith(which.newestOf);
			return isWanted ? entryOf(returned) : null;
		},
		async save(key, body, signal) {
			const request = { call: 'save', path, key } as const;
			return call(
				request,
				signal,
				async (_, { returned }, output) => {
					if (typeof returned === 'number' && returned >= 0) return 'saved';
					refuse(output);
					if (/already exists|unable to reserve/i.test(output)) return 'exists';
					throw new CacheError('cache-failing', `The Actions cache did not take the entry \`${key}\`: ${lastLine(output)}`);
				},
				(place) => writeBody(body, join(place, path)),
			);
		},
		async close() {
			await rm(folder, { recursive: true, force: true });
		},
	};
}

async function writeBody(body: ObjectBody, file: string): Promise<void> {
	try {
		await pipeline(body.stream(), createWriteStream(file, { mode: 0o600, flags: 'wx' }));
	} catch (cause) {
		const code = systemCode(cause);
		throw new CacheError(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code ?? cause}).`, {
			cause,
		});
	}
}

/** What the toolkit writes to its log is all that it tells of a failure. */
function refuse(output: string): void {
	if (/cache write denied/i.test(output)) throw new CacheError('cache-read-only', 'This job may not write to the Actions cache.');
	if (/cache read denied/i.test(output)) throw new CacheError('cache-forbidden', 'This job may not read from the Actions cache.');
	if (/rate limit|\b429\b/i.test(output))
		throw new CacheError('cache-throttled', 'The Actions cache limits the rate of requests now.');
	if (/insufficient usage/i.test(output))
		throw new CacheError('cache-read-only', "The repository's storage for the Actions cache is used up.");
	if (/failed to (?:restore|save)|::error::/i.test(output) && !/already exists|unable to reserve/i.test(output)) {
		throw new CacheError('cache-failing', `The Actions cache failed: ${lastLine(output)}`);
	}
}

function lastLine(output: string): string {
	const line =
		output
			.split('\n')
			.filter((one) => /failed|error|unable/i.test(one))
			.at(-1) ?? 'it gave no reason';
	return `${line
		.replace(/^::\w+::/, '')
		.trim()
		.slice(0, 300)}.`;
}

async function answerIn(place: string): Promise<ToolkitAnswer> {
	try {
		const answer: ToolkitAnswer = JSON.parse(await readFile(join(place, ANSWER_FILE), 'utf8'));
		return answer;
	} catch (cause) {
		throw new CacheError('cache-failing', 'The process that speaks to the Actions cache ended without an answer.', { cause });
	}
}

/** Everything that it wrote. */
async function run(
	{ env, script }: ToolkitOptions,
	place: string,
	request: ToolkitRequest,
	signal: AbortSignal,
): Promise<string> {
	const temp = join(place, 'temp');
	await mkdir(temp, { mode: 0o700 });
	const child = spawn(process.execPath, [script, JSON.stringify(request)], {
		cwd: place,
		env: { ...env, GITHUB_WORKSPACE: place, RUNNER_TEMP: temp },
		stdio: ['ignore', 'pipe', 'pipe'],
		signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_LIMIT_MS)]),
	});
	let output = '';
	const take = (bytes: Buffer): void => {
		if (output.length < MAX_LOG_BYTES) output += bytes.toString();
	};
	child.stdout.on('data', take);
	child.stderr.on('data', take);
	return new Promise((resolve, reject) => {
		child.once('error', (cause) =>
			reject(
				signal.aborted
					? new CacheError('cancelled', 'Speaking to the Actions cache was stopped.')
					: new CacheError('cache-failing', 'The process that speaks to the Actions cache can not be run.', { cause }),
			),
		);
		child.once('close', () => resolve(output));
	});
}
