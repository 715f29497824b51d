import type { Withheld } from '../push/outcome.ts';
import type { WhyBuilt } from './built.ts';
import type { ReportOrigin } from './origins.ts';
import type { CacheReport, ReportClass, ReportedPath } from './report.ts';

/** How classes are named for people: after a number of paths, or after "which is". */
export const CLASS_WORDS: Readonly<Record<ReportClass | 'circular', string>> = {
	pushed: 'pushed',
	planned: 'to be pushed',
	present: 'already there',
	differs: 'there with other content',
	'signed-upstream': 'signed by an upstream',
	upstream: 'at a substituter',
	excluded: 'excluded',
	withheld: 'withheld',
	'too-large': 'too large',
	derivation: 'derivation files',
	vanished: 'gone from the store',
	corrupt: 'corrupt',
	failed: 'failed',
	'out-of-time': 'out of time',
	circular: 'part of a circle',
};

/** In the order in which they are shown. */
export const CLASSES: readonly ReportClass[] = [
	'pushed',
	'planned',
	'failed',
	'corrupt',
	'out-of-time',
	'withheld',
	'present',
	'differs',
	'signed-upstream',
	'upstream',
	'excluded',
	'too-large',
	'derivation',
	'vanished',
];

/** Worth a line of its own in the log. */
export const TROUBLE: ReadonlySet<ReportClass> = new Set(['failed', 'corrupt', 'out-of-time', 'withheld', 'differs', 'vanished']);

/** Ends "Nix built it; it was ...": what the cache had of it. */
export const WHY_BUILT_WORDS: Readonly<Record<WhyBuilt, string>> = {
	'not-there': 'not in the cache: new, with changed inputs, never pushed, or removed',
	lost: 'in the cache once, but its bytes are gone (evicted)',
	untrusted: 'in the cache, but signed by no key that this job trusts',
	forbidden: 'in the cache, but its derivation forbids substitution (allowSubstitutes = false)',
	differs: 'in the cache with other content, so the build is not reproducible',
	there:
		'in the cache when the job ended; why Nix did not take it is unknown (for example: it came only while the job ran, no trusted key signed it, `--option substituters` or a flake hid the cache, or an outage)',
	'kept-out': "kept out of the cache by this workflow's inputs (include, exclude, max-path-size, skip-signed-by)",
	'not-read':
		'not asked for: Nix did not read from this cache, which failed when the job began or for which Nix could not be set up',
};

/** Where paths came from: a few words. */
export function originWords({ from, names }: Pick<ReportOrigin, 'from' | 'names'>): string {
	switch (from) {
		case 'built':
			return 'built here';
		case 'served':
			return `from ${names.join(', ') || 'the local substituter'}`;
		case 'signed':
			return `signed by ${names.join(', ')}`;
		case 'source':
			return 'sources and texts';
		case 'derivation':
			return 'derivation files';
		case 'unsigned':
			return 'copied here without a signature';
	}
}

export function withheldReason({ culprit, culpritClass }: Withheld): string {
	return `It needs ${baseName(culprit)}, which ${culpritClass === 'failed' ? '' : 'is '}${CLASS_WORDS[culpritClass]}.`;
}

export function byReason(paths: readonly ReportedPath[]): ReadonlyMap<string, readonly ReportedPath[]> {
	return Map.groupBy(paths, (path) => path.reason ?? '');
}

/** The first of them, and how many more. */
export function someNames(paths: readonly ReportedPath[]): string {
	const first = baseName(paths[0]?.path ?? '');
	return paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
}

export function countOf(paths: number): string {
	return `${paths} ${paths === 1 ? 'path' : 'paths'}`;
}

export function oneLine(text: string): string {
	return text.replace(/\s+/g, ' ').trim();
}

/** What people call it: without the hash. */
export function shortName(path: string): string {
	return baseName(path).replace(/^[0-9a-z]{32}-/, '');
}

export function baseName(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * Whether `verification` is of what the cache answered. Paths of the Actions cache become visible together, and each answer of GitHub's counts towards its
 * limits, so those are checked in the index that was saved.
 */
export function isReadBack({ cache }: CacheReport): boolean {
	return cache.kind !== 'actions-cache';
}
