import type { CacheReport } from './report.ts';
import { baseName, isReadBack } from './words.ts';

/** One line on what of the push did not succeed, why and what to do; `null` when all did. `stopped`: by a signal. */
export function problemOf(report: CacheReport, stopped: boolean): string | null {
	const paths = (['failed', 'corrupt', 'out-of-time'] as const).map((name) => [name, report.counts[name]?.paths ?? 0] as const);
	const parts = paths
		.filter(([, count]) => count > 0)
		.map(([name, count]) => `${count} ${name === 'out-of-time' ? 'out of time' : name}`);
	const unreadable = report.verification?.problems.length ?? 0;
	if (unreadable > 0)
		parts.push(
			`${unreadable} pushed, but ${isReadBack(report) ? "not readable through the cache's URL" : 'wrong in the index that was saved'}`,
		);
	if (report.paths.length === 0 && report.stoppedBy !== null) return describeReason(report.stoppedBy);
	if (parts.length === 0) return null;
	const why = report.stoppedBy === null ? firstReason(report, stopped) : describeReason(report.stoppedBy);
	return `Not every path was pushed to ${report.cache.label}: ${parts.join(', ')}. ${why}`;
}

/** What ended a push, and what to do about it. */
export function describeReason({ message, hint }: NonNullable<CacheReport['stoppedBy']>): string {
	return hint === null ? message : `${message} ${hint}`;
}

const UNREADABLE_HINT = 'Do its URL and `push-url` lead to the same repository, and does that keep all it takes?';

/** What one path failed of, where the run did not end with one reason for all. */
function firstReason(report: CacheReport, stopped: boolean): string {
	const path = report.paths.find(({ class: name, reason }) => (name === 'failed' || name === 'corrupt') && reason !== null);
	if (path !== undefined) return `${baseName(path.path)}: ${path.reason}`;
	const finding = report.verification?.problems[0];
	if (finding !== undefined) {
		const text = `${baseName(finding.path)}: ${finding.problem?.replace(/\.$/, '')}.`;
		return report.cache.kind === 'http' ? `${text} ${UNREADABLE_HINT}` : text;
	}
	return stopped
		? 'A signal ended the push; the rest is left for the next job.'
		: 'Raise `push-timeout`, or leave large paths out with `max-path-size`; a server that stalls says why in its own log.';
}
