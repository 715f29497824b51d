import { formatBytes } from '../quantity.ts';
import type { CacheReport, Report, ReportClass, ReportServed } from './report.ts';
import { baseName, byReason, CLASS_WORDS, CLASSES, oneLine, someNames, TROUBLE } from './words.ts';

const LOG_LINES_PER_CLASS = 10;

/** One line on what the local substituter gave to Nix. */
export function servedLine({ label, paths, bytes, cut }: ReportServed): string {
	const broken = cut === 0 ? '' : `; ${cut} broke off on the way`;
	return `Nix read ${paths} paths (${formatBytes(bytes)}) from ${label} in this job${broken}.`;
}

/** For the log; one line when nothing was new. */
export function reportLines({ caches, storePaths }: Report): readonly string[] {
	if (caches.every(({ paths, stoppedBy }) => paths.length === 0 && stoppedBy === null))
		return [`Nothing new to push: all ${storePaths} paths in the store were there before the job.`];
	return caches.filter(({ paths }) => paths.length > 0).flatMap(cacheLines);
}

function cacheLines(report: CacheReport): readonly string[] {
	const { counts, cache, verification } = report;
	const parts = CLASSES.flatMap((name) => (counts[name] === undefined ? [] : [`${counts[name].paths} ${CLASS_WORDS[name]}`]));
	if (counts.pushed === undefined && counts.planned === undefined && !report.paths.some((path) => TROUBLE.has(path.class))) {
		return [`Nothing new to push to ${cache.label}: ${parts.join(', ')}.`];
	}
	const lines = [`${cache.label}: ${parts.join(', ')}${volume(report)}.`];
	for (const name of CLASSES.filter((one) => TROUBLE.has(one))) lines.push(...classLines(report, name));
	if (verification !== null) {
		const { checked, problems } = verification;
		lines.push(
			`Read back ${checked} of the pushed paths: ${problems.length === 0 ? 'all well' : `${problems.length} with problems`}.`,
		);
		lines.push(
			...problems.slice(0, LOG_LINES_PER_CLASS).map(({ path, problem }) => `  ${baseName(path)}: ${oneLine(problem ?? '')}`),
		);
	}
	return lines;
}

function volume({ counts, sentBytes, durationsMs }: CacheReport): string {
	if (counts.pushed === undefined) return '';
	const { push, finish = 0 } = durationsMs;
	const seconds = push === undefined ? '' : ` in ${((push + finish) / 1000).toFixed(1)} s`;
	return `; ${formatBytes(counts.pushed.narBytes)} as ${formatBytes(sentBytes)}${seconds}`;
}

/** One line for each reason: when a cache is down, thousands of paths have the same. */
function classLines(report: CacheReport, name: ReportClass): readonly string[] {
	const groups = [...byReason(report.paths.filter((path) => path.class === name))];
	const lines = groups
		.slice(0, LOG_LINES_PER_CLASS)
		.map(([reason, paths]) => `  ${someNames(paths)}: ${CLASS_WORDS[name]}. ${oneLine(reason)}`.trimEnd());
	return groups.length > lines.length ? [...lines, `  and for ${groups.length - lines.length} more reasons`] : lines;
}
