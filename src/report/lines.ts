import { formatBytes } from '../quantity.ts';
import type { CacheReport, Report, ReportClass, ReportServed } from './report.ts';
import {
	baseName,
	byReason,
	CLASS_WORDS,
	CLASSES,
	countOf,
	isReadBack,
	oneLine,
	originWords,
	someNames,
	TROUBLE,
	WHY_BUILT_WORDS,
} from './words.ts';

const LOG_LINES_PER_CLASS = 10;
const LOG_ORIGINS = 12;
/** Names of keys are chosen by whoever signs. */
const LOG_WORDS_LIMIT = 120;

/** One line on what the local substituter gave to Nix. */
export function servedLine({ label, paths, bytes, cut }: ReportServed): string {
	const broken = cut === 0 ? '' : `; ${cut} broke off on the way`;
	return `Nix read ${paths} paths (${formatBytes(bytes)}) from ${label} in this job${broken}.`;
}

/** For the log; one line when nothing was new. */
export function reportLines(report: Report): readonly string[] {
	const { caches, storePaths } = report;
	const lines = originLines(report);
	if (caches.some(({ paths, stoppedBy }) => paths.length > 0 || stoppedBy !== null))
		return [...lines, ...caches.filter(({ paths }) => paths.length > 0).flatMap(cacheLines)];
	if (!caches.some(({ cache }) => cache.canPush)) return lines;
	return [...lines, `Nothing new to push: all ${storePaths} paths in the store were there before the job.`];
}

function originLines({ origins }: Report): readonly string[] {
	if (origins === null || origins.length === 0) return [];
	const parts = origins
		.slice(0, LOG_ORIGINS)
		.map((origin) => `${origin.paths} ${clipped(originWords(origin))} (${formatBytes(origin.narBytes)})`);
	const left = origins.slice(LOG_ORIGINS).reduce((sum, { paths }) => sum + paths, 0);
	return [`New in the store: ${oneLine(parts.join(', '))}${left === 0 ? '' : `, and ${left} more`}.`];
}

function clipped(text: string): string {
	return text.length > LOG_WORDS_LIMIT ? `${text.slice(0, LOG_WORDS_LIMIT)}…` : text;
}

/** For a folded group of the log: what was built, and what is known of why. */
export function builtLines({ caches, serveErrors }: Report): readonly string[] {
	const lines = caches.flatMap(({ cache, built }) =>
		built.flatMap(({ why, paths, narBytes }) => [
			`${countOf(paths.length)} (${formatBytes(narBytes)}): ${WHY_BUILT_WORDS[why]} (${cache.label}).`,
			...paths.slice(0, LOG_LINES_PER_CLASS).map((path) => `  ${baseName(path)}`),
			...(paths.length > LOG_LINES_PER_CLASS ? [`  and ${paths.length - LOG_LINES_PER_CLASS} more`] : []),
		]),
	);
	const errors = serveErrorsLine(serveErrors);
	return errors === null || lines.length === 0 ? lines : [...lines, errors];
}

/** `null` when there were none. */
export function serveErrorsLine(errors: Report['serveErrors']): string | null {
	const parts = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
	return parts.length === 0
		? null
		: `The local substituter met failures of its caches in this job (${parts.join(', ')}), so Nix may have built what they have.`;
}

function cacheLines(report: CacheReport): readonly string[] {
	const { counts, cache, verification } = report;
	const parts = CLASSES.flatMap((name) => (counts[name] === undefined ? [] : [`${counts[name].paths} ${CLASS_WORDS[name]}`]));
	if (counts.pushed === undefined && counts.planned === undefined && !report.paths.some((path) => TROUBLE.has(path.class))) {
		return [`Nothing new to push to ${cache.label}: ${parts.join(', ')}.`];
	}
	const lines = [`${cache.label}: ${parts.join(', ')}${volume(report)}.`];
	for (const name of CLASSES.filter((one) => TROUBLE.has(one))) lines.push(...classLines(report, name));
	if (verification !== null && verification.checked > 0) {
		const { checked, problems } = verification;
		const result = problems.length === 0 ? 'all well' : `${problems.length} with problems`;
		lines.push(
			isReadBack(report)
				? `Read back ${checked} of the pushed paths: ${result}.`
				: `Checked ${checked} of the pushed paths in the index that was saved: ${result}. None was read back.`,
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
