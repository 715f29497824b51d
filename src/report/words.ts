import type { Withheld } from '../push/outcome.ts';
import type { ReportClass, ReportedPath } from './report.ts';

/** How classes are named for people: after a number of paths, or after "which is". */
export const CLASS_WORDS: Readonly<Record<ReportClass | 'circular', string>> = {
	pushed: 'pushed',
	planned: 'to be pushed',
	present: 'already there',
	differs: 'there with other content',
	'signed-upstream': 'signed by an upstream',
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
	'excluded',
	'too-large',
	'derivation',
	'vanished',
];

/** Worth a line of its own in the log. */
export const TROUBLE: ReadonlySet<ReportClass> = new Set(['failed', 'corrupt', 'out-of-time', 'withheld', 'differs', 'vanished']);

export function withheldReason({ culprit, culpritClass }: Withheld): string {
	return `It needs ${baseName(culprit)}, which is ${CLASS_WORDS[culpritClass]}.`;
}

export function byReason(paths: readonly ReportedPath[]): ReadonlyMap<string, readonly ReportedPath[]> {
	return Map.groupBy(paths, (path) => path.reason ?? '');
}

/** The first of them, and how many more. */
export function someNames(paths: readonly ReportedPath[]): string {
	const first = baseName(paths[0]?.path ?? '');
	return paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
}

export function oneLine(text: string): string {
	return text.replace(/\s+/g, ' ').trim();
}

export function baseName(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}
