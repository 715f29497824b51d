import type { Compression } from '../backends/backend.ts';
import { cachixKeyName } from '../cache-target/cachix.ts';
import type { Credentials } from '../cache-target/credentials.ts';
import { parseHttpUrl } from '../cache-target/http.ts';
import { parseSubstituter, type SubstituterLine } from '../cache-target/substituter.ts';
import { ACTIONS_CACHE, type CacheTarget, parseCacheTarget } from '../cache-target/target.ts';
import { CacheError } from '../errors.ts';
import { type NetrcEntry, parseNetrc } from '../nix/netrc.ts';
import { type NixRelease, parseNixRelease } from '../nix/release.ts';
import { type PublicKey, parsePublicKey, parseSecretKey, type SecretKey } from '../nix/signature.ts';
import { parseDurationMs, parseSizeBytes } from '../quantity.ts';
import type { GetInput } from './given.ts';
import { type InputReader, inputReader } from './reader.ts';

/** All inputs of the action, checked. Made here and nowhere else. */
export interface Inputs {
	/** At least one: the Actions cache when `cache` is empty. */
	readonly caches: readonly CacheTarget[];
	/** More caches to pull from only. */
	readonly substituters: readonly SubstituterLine[];
	readonly trustedPublicKeys: readonly PublicKey[];
	readonly signingKey: SecretKey | null;
	readonly netrc: readonly NetrcEntry[];
	readonly push: 'auto' | 'always' | 'never';
	/** Store paths or links to them that are pushed in place of the store difference. */
	readonly paths: readonly string[];
	readonly include: readonly RegExp[];
	readonly exclude: readonly RegExp[];
	readonly maxPathSizeBytes: number | null;
	readonly skipSignedBy: readonly string[];
	readonly compression: Compression;
	/** `null`: the action's choice for that compression. */
	readonly compressionLevel: number | null;
	readonly concurrency: number | 'auto';
	readonly continuous: 'auto' | 'true' | 'false';
	/** Whether others use the store while this job runs. */
	readonly sharedStore: 'auto' | 'true' | 'false';
	readonly pushTimeoutMs: number;
	readonly onPushFailure: 'warn' | 'fail' | 'ignore';
	readonly fallback: 'actions-cache' | 'none';
	readonly verify: 'sample' | 'all' | 'none';
	readonly jobStatus: string;
	/** What the store in the Actions cache may take there. */
	readonly actionsCacheSizeBytes: number;
	/** Which workflow, job and matrix cell this is. */
	readonly lane: string;
	/** Only looked at when Nix is missing. */
	readonly installNix: NixRelease | null;
}

const COMPRESSION_LEVELS: Readonly<Record<Compression, readonly [number, number] | null>> = {
	zstd: [1, 19],
	xz: [0, 9],
	gzip: [1, 9],
	br: [0, 11],
	none: null,
};

/** By kind of cache, where the server takes some alone. */
const TAKEN_COMPRESSIONS: Readonly<Partial<Record<CacheTarget['kind'], readonly Compression[]>>> = {
	cachix: ['zstd', 'xz'],
	niks3: ['zstd', 'xz', 'none'],
};

/** A timer of Node's that is set to more fires at once. 24 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Checks all inputs together.
 * @throws CacheError `input-invalid` whose message lists every problem: the input, what was given (never a secret), what is allowed.
 */
export function parseInputs(get: GetInput): Inputs {
	const problems: string[] = [];
	const read = inputReader(get, problems);
	const credentials = readCredentials(get, problems);
	const { caches, substituters } = readCaches(read, credentials, problems);
	const inputs: Inputs = {
		caches,
		substituters,
		trustedPublicKeys: read
			.lines('trusted-public-keys')
			.flatMap((line) => read.attempt('trusted-public-keys', () => parsePublicKey(line))),
		signingKey:
			get('signing-key') === ''
				? null
				: (read.attempt('signing-key', () => parseSecretKey(namedKey(get('signing-key'), caches)))[0] ?? null),
		netrc: read.attempt('netrc', () => parseNetrc(get('netrc'))).flat(),
		push: read.choice('push', ['auto', 'always', 'never']),
		paths: read.lines('paths'),
		include: read.regExps('include'),
		exclude: read.regExps('exclude'),
		maxPathSizeBytes: read.quantity('max-path-size', parseSizeBytes, 'a size such as `500 MB` or `2 GiB`'),
		skipSignedBy: get('skip-signed-by')
			.split(/[\s,]+/)
			.filter((name) => name !== ''),
		...readCompression(get, read, problems),
		concurrency: readConcurrency(get('concurrency'), problems),
		continuous: read.choice('continuous', ['auto', 'true', 'false']),
		sharedStore: read.choice('shared-store', ['auto', 'true', 'false']),
		pushTimeoutMs: Math.min(
			read.quantity('push-timeout', parseDurationMs, 'a duration such as `90 s` or `10 min`') ?? 600_000,
			LONGEST_TIMER_MS,
		),
		onPushFailure: read.choice('on-push-failure', ['warn', 'fail', 'ignore']),
		fallback: read.choice('fallback', ['actions-cache', 'none']),
		verify: read.choice('verify', ['sample', 'all', 'none']),
		jobStatus: get('job-status'),
		actionsCacheSizeBytes: read.quantity('actions-cache-size', parseSizeBytes, 'a size such as `8 GiB`') ?? 8 * 2 ** 30,
		lane: get('lane'),
		installNix:
			get('install-nix') === '' ? null : (read.attempt('install-nix', () => parseNixRelease(get('install-nix')))[0] ?? null),
	};
	for (const { kind } of caches) {
		const taken = TAKEN_COMPRESSIONS[kind];
		if (taken === undefined || taken.includes(inputs.compression)) continue;
		const names = taken.map((name) => `\`${name}\``).join(', ');
		problems.push(`compression: \`${inputs.compression}\` is not allowed with \`${kind}://\`, which takes ${names}.`);
	}
	if (problems.length > 0) {
		const count = problems.length === 1 ? 'An input is wrong' : `${problems.length} inputs are wrong`;
		throw new CacheError('input-invalid', `${count}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`);
	}
	return inputs;
}

/** An empty secret (a pull request from a fork) means no credentials, not an error. */
function readCredentials(get: GetInput, problems: string[]): Credentials | null {
	const [username, password, token] = [get('username'), get('password'), get('token')];
	if (token !== '' && password !== '') {
		problems.push('token: given together with `password`; give `token` alone (bearer), or `username` and `password` (basic).');
	}
	if (/[\r\n]/.test(username + password + token)) {
		problems.push('username, password, token: a line break inside; each is a single line.');
	}
	if (/[^\x20-\x7e\xa0-\xff]/.test(token.replace(/[\r\n]/g, '')))
		problems.push('token: a character that no header can carry (a curly quote, a tab?); copy the token anew.');
	if (username.includes(':')) problems.push('username: a colon inside; HTTP basic authentication has no way to send one.');
	if (password !== '' && username === '' && token === '') {
		problems.push(
			'username: empty although `password` is given; Nix reads both from a netrc entry, so name the user (any text if the server ignores it).',
		);
	}
	if (token !== '') return { kind: 'bearer', token };
	return username !== '' && password !== '' ? { kind: 'basic', username, password } : null;
}

function readCaches(
	read: InputReader,
	credentials: Credentials | null,
	problems: string[],
): Pick<Inputs, 'caches' | 'substituters'> {
	const pushUrls = read.lines('push-url');
	const pushUrl = pushUrls[0] === undefined ? null : parseHttpUrl(pushUrls[0], 'push-url');
	if (pushUrl !== null && 'problem' in pushUrl) problems.push(pushUrl.problem);
	else if (pushUrl !== null && pushUrl.search !== '')
		problems.push('push-url: parameters (`?…`) have no meaning here; leave them out.');
	if (pushUrls.length > 1)
		problems.push(`push-url: ${pushUrls.length} lines; it is for the first line of \`cache\` and has one.`);
	const caches: CacheTarget[] = [];
	for (const [index, line] of read.lines('cache').entries()) {
		const first = index === 0;
		const target = parseCacheTarget(line, first && pushUrl instanceof URL ? pushUrl : null, first ? credentials : null);
		if ('problem' in target) problems.push(target.problem);
		else if (caches.some((other) => nameOf(other) === nameOf(target))) problems.push(`cache: \`${line}\` is there twice.`);
		else caches.push(target);
	}
	if (pushUrls.length > 0 && read.lines('cache').length === 0)
		problems.push('push-url: given without `cache`; name the URL to pull from there.');
	if (pushUrls.length > 0 && caches[0] !== undefined && caches[0].kind !== 'http')
		problems.push('push-url: given, but the first line of `cache` is not an HTTP cache; leave it out.');
	const substituters = read.lines('substituters').flatMap((line) => {
		const parsed = parseSubstituter(line);
		if (!('problem' in parsed)) return [parsed];
		problems.push(parsed.problem);
		return [];
	});
	return { caches: caches.length === 0 ? [ACTIONS_CACHE] : caches, substituters };
}

/** Cachix writes secret keys without a name. */
function namedKey(text: string, caches: readonly CacheTarget[]): string {
	const target = caches.find(({ kind }) => kind === 'cachix');
	return target?.kind === 'cachix' && !text.includes(':') ? `${cachixKeyName(target)}:${text.trim()}` : text;
}

function nameOf(target: CacheTarget): string {
	return target.kind === 'actions-cache' ? target.kind : target.place;
}

function readCompression(get: GetInput, read: InputReader, problems: string[]): Pick<Inputs, 'compression' | 'compressionLevel'> {
	const compression = read.choice('compression', ['zstd', 'xz', 'gzip', 'br', 'none']);
	const given = get('compression-level');
	if (given === '') return { compression, compressionLevel: null };
	const range = COMPRESSION_LEVELS[compression];
	const level = /^\d{1,2}$/.test(given) ? Number(given) : Number.NaN;
	if (range === null) problems.push('compression-level: given although `compression` is `none`; leave it out.');
	else if (!(level >= range[0] && level <= range[1])) {
		problems.push(`compression-level: \`${given}\` is not allowed; \`${compression}\` has ${range[0]} to ${range[1]}.`);
	}
	return { compression, compressionLevel: level };
}

function readConcurrency(given: string, problems: string[]): number | 'auto' {
	if (given === '' || given === 'auto') return 'auto';
	const value = /^\d{1,3}$/.test(given) ? Number(given) : 0;
	if (value < 1 || value > 256) problems.push(`concurrency: \`${given}\` is not allowed; allowed are \`auto\` and 1 to 256.`);
	return value;
}
