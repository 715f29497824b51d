import type { BackendKind } from './backends/backend.ts';
import type { Finding, Outcome, PushResult, Withheld } from './push/outcome.ts';
import type { Plan, PlanClass, PlannedPath } from './push/plan.ts';
import { formatBytes } from './quantity.ts';

/** What a path ended as: the plan's class, or what the pipeline made of a path that was to be pushed. */
export type ReportClass = Exclude<PlanClass, 'push'> | 'planned' | 'pushed' | 'corrupt' | 'failed' | 'out-of-time';

export interface ReportedPath {
	readonly path: string;
	readonly class: ReportClass;
	/** One sentence for people; `null` where the class says it all. */
	readonly reason: string | null;
	readonly narSizeBytes: number | null;
	/** Bytes sent for the NAR; `null` unless pushed. */
	readonly sentBytes: number | null;
}

/** Where Nix reads from and the job pushes to. */
export interface ReportCache {
	readonly kind: BackendKind;
	readonly label: string;
	readonly canPush: boolean;
	/** Why not, when it can't. */
	readonly whyNot: string | null;
}

/** The facts of one post phase. Durations in milliseconds. */
export interface ReportFacts {
	readonly cache: ReportCache;
	/** Valid or not, names in the store when the job ended. */
	readonly storePaths: number;
	/** `null` when nothing was planned (read-only, or it never came to that). */
	readonly plan: Plan | null;
	/** `null`: nothing was pushed (a dry run, or nothing to push). */
	readonly result: PushResult | null;
	/** `null`: not verified. */
	readonly findings: readonly Finding[] | null;
	readonly durationsMs: Readonly<Record<string, number>>;
	/** What was warned of during the job, in order. */
	readonly warnings: readonly string[];
}

export interface ReportCount {
	readonly paths: number;
	readonly narBytes: number;
}

/** What `report` names: the JSON file that post writes. Stable within a `version`. */
export interface Report {
	readonly version: 1;
	readonly cache: ReportCache;
	readonly storePaths: number;
	/** Only classes that occur. */
	readonly counts: Readonly<Partial<Record<ReportClass, ReportCount>>>;
	readonly sentBytes: number;
	readonly paths: readonly ReportedPath[];
	readonly stoppedBy: PushResult['stoppedBy'];
	readonly verification: { readonly checked: number; readonly problems: readonly Finding[] } | null;
	readonly durationsMs: Readonly<Record<string, number>>;
	readonly warnings: readonly string[];
}

export function makeReport(facts: ReportFacts): Report {
	const { plan, result, findings } = facts;
	const paths =
		plan === null ? [] : [...plan.paths.values()].map((planned) => reported(planned, result?.outcomes.get(planned.path) ?? null));
	const counts: Partial<Record<ReportClass, ReportCount>> = {};
	for (const path of paths) {
		const { paths: number, narBytes } = counts[path.class] ?? { paths: 0, narBytes: 0 };
		counts[path.class] = { paths: number + 1, narBytes: narBytes + (path.narSizeBytes ?? 0) };
	}
	return {
		version: 1,
		cache: facts.cache,
		storePaths: facts.storePaths,
		counts,
		sentBytes: paths.reduce((sum, path) => sum + (path.sentBytes ?? 0), 0),
		paths,
		stoppedBy: result?.stoppedBy ?? null,
		verification:
			findings === null ? null : { checked: findings.length, problems: findings.filter((finding) => finding.problem !== null) },
		durationsMs: facts.durationsMs,
		warnings: facts.warnings,
	};
}

function reported({ path, info, verdict }: PlannedPath, outcome: Outcome | null): ReportedPath {
	const common = { path, narSizeBytes: info?.narSizeBytes ?? null, sentBytes: null };
	switch (verdict.class) {
		case 'push':
			return { ...common, ...(outcome === null ? { class: 'planned', reason: null } : ended(outcome)) };
		case 'differs':
			return {
				...common,
				class: 'differs',
				reason: `The cache has it with the NAR hash ${verdict.narHash}: the build is not reproducible.`,
			};
		case 'signed-upstream':
			return { ...common, class: 'signed-upstream', reason: `Signed by ${verdict.keyName}.` };
		case 'excluded':
			return {
				...common,
				class: 'excluded',
				reason: verdict.pattern === null ? 'No expression of `include` matches.' : `Matches ${verdict.pattern}.`,
			};
		case 'too-large':
			return { ...common, class: 'too-large', reason: `Larger than ${formatBytes(verdict.limitBytes)}.` };
		case 'withheld':
			return { ...common, class: 'withheld', reason: withheldReason(verdict) };
		case 'present':
		case 'derivation':
		case 'vanished':
			return { ...common, class: verdict.class, reason: null };
	}
}

function ended(outcome: Outcome): Pick<ReportedPath, 'class' | 'reason' | 'sentBytes'> {
	switch (outcome.class) {
		case 'pushed':
			return { class: 'pushed', reason: null, sentBytes: outcome.sentBytes };
		case 'corrupt':
		case 'failed':
			return { class: outcome.class, reason: outcome.message, sentBytes: null };
		case 'withheld':
			return { class: 'withheld', reason: withheldReason(outcome), sentBytes: null };
		case 'vanished':
		case 'out-of-time':
			return { class: outcome.class, reason: null, sentBytes: null };
	}
}

function withheldReason({ culprit, culpritClass }: Withheld): string {
	return `It needs ${baseName(culprit)}, which is ${CLASS_WORDS[culpritClass]}.`;
}

/** How classes are named for people: after a number of paths, or after "which is". */
const CLASS_WORDS: Readonly<Record<ReportClass | 'circular', string>> = {
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
const CLASSES: readonly ReportClass[] = [
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
const TROUBLE: ReadonlySet<ReportClass> = new Set(['failed', 'corrupt', 'out-of-time', 'withheld', 'differs', 'vanished']);

const LOG_LINES_PER_CLASS = 10;

/** For the log; one line when nothing was new. */
export function reportLines(report: Report): readonly string[] {
	const { counts, cache, verification } = report;
	if (report.paths.length === 0)
		return [`Nothing new to push: all ${report.storePaths} paths in the store were there before the job.`];
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
		lines.push(...problems.slice(0, LOG_LINES_PER_CLASS).map(({ path, problem }) => `  ${baseName(path)}: ${problem}`));
	}
	return lines;
}

function volume({ counts, sentBytes, durationsMs }: Report): string {
	if (counts.pushed === undefined) return '';
	const { push } = durationsMs;
	const seconds = push === undefined ? '' : ` in ${(push / 1000).toFixed(1)} s`;
	return `; ${formatBytes(counts.pushed.narBytes)} as ${formatBytes(sentBytes)}${seconds}`;
}

function classLines(report: Report, name: ReportClass): readonly string[] {
	const all = report.paths.filter((path) => path.class === name);
	const shown = all
		.slice(0, LOG_LINES_PER_CLASS)
		.map((path) => `  ${baseName(path.path)}: ${CLASS_WORDS[name]}. ${path.reason ?? ''}`.trimEnd());
	return all.length > shown.length ? [...shown, `  and ${all.length - shown.length} more ${CLASS_WORDS[name]}`] : shown;
}

/** The runner takes 1 MiB for a step; other tools show less well what is long. */
const SUMMARY_PATHS_PER_CLASS = 100;
const SUMMARY_LARGEST = 10;

/** Markdown for the job summary, under 1 MiB whatever the report holds. */
export function reportSummary(report: Report): string {
	const { cache, counts, verification, stoppedBy } = report;
	const lines = [`### Nix cache: ${cell(cache.label)}`, ''];
	if (report.paths.length === 0) return [...lines, 'Nothing new to push.', ''].join('\n');
	lines.push('| | paths | NAR size |', '|---|---:|---:|');
	for (const name of CLASSES) {
		const count = counts[name];
		if (count !== undefined) lines.push(`| ${CLASS_WORDS[name]} | ${count.paths} | ${formatBytes(count.narBytes)} |`);
	}
	if (counts.pushed !== undefined) lines.push('', `Sent ${formatBytes(report.sentBytes)} after compression.`);
	if (stoppedBy !== null)
		lines.push('', `**The push ended early:** ${cell(stoppedBy.message)} ${cell(stoppedBy.hint ?? '')}`.trimEnd());
	if (verification !== null) {
		lines.push(
			'',
			`Read back through the pull URL: ${verification.checked} paths, ${verification.problems.length} with problems.`,
		);
		lines.push(
			...table(
				'Not readable',
				verification.problems.map(({ path, problem }) => [baseName(path), problem ?? '']),
			),
		);
	}
	for (const name of CLASSES.filter((one) => TROUBLE.has(one))) {
		const rows = report.paths.filter((path) => path.class === name).map((path) => [baseName(path.path), path.reason ?? '']);
		lines.push(...table(`${rows.length} ${CLASS_WORDS[name]}`, rows));
	}
	const largest = report.paths
		.filter((path) => path.class === 'pushed')
		.sort((a, b) => (b.narSizeBytes ?? 0) - (a.narSizeBytes ?? 0));
	const largestRows = largest
		.slice(0, SUMMARY_LARGEST)
		.map((path) => [baseName(path.path), `${formatBytes(path.narSizeBytes ?? 0)} as ${formatBytes(path.sentBytes ?? 0)}`]);
	lines.push(...table('Largest pushed paths', largestRows));
	for (const warning of report.warnings) lines.push('', `> ${cell(warning)}`);
	return [...lines, ''].join('\n');
}

function table(title: string, rows: readonly (readonly string[])[]): readonly string[] {
	if (rows.length === 0) return [];
	const shown = rows.slice(0, SUMMARY_PATHS_PER_CLASS).map((row) => `| ${row.map(cell).join(' | ')} |`);
	const more = rows.length > shown.length ? [`| and ${rows.length - shown.length} more | |`] : [];
	return ['', `<details><summary>${title}</summary>`, '', '| path | |', '|---|---|', ...shown, ...more, '', '</details>'];
}

const CELL_LIMIT = 300;

/** Text from elsewhere as one cell of a table: no Markdown, no HTML, no line break. */
function cell(text: string): string {
	const short = text.length > CELL_LIMIT ? `${text.slice(0, CELL_LIMIT)}…` : text;
	return short
		.replace(/\s+/g, ' ')
		.replaceAll('&', '&amp;')
		.replaceAll('<', '&lt;')
		.replace(/[\\`*_[\]|#~]/g, (character) => `\\${character}`);
}

function baseName(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

export function reportJson(report: Report): string {
	return `${JSON.stringify(report, null, '\t')}\n`;
}
