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

/** What the job read from the store in the Actions cache. */
export interface ReportServed {
	readonly paths: number;
	/** As they were sent, compressed. */
	readonly bytes: number;
	/** NARs that broke off. */
	readonly cut: number;
	/** Failures behind the substituter, by code. */
	readonly errors: Readonly<Record<string, number>>;
}

/** The facts of one post phase. Durations in milliseconds. */
export interface ReportFacts {
	readonly cache: ReportCache;
	/** `null`: no local substituter ran. */
	readonly served: ReportServed | null;
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
	readonly served: ReportServed | null;
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
		served: facts.served,
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

/** One line on what the local substituter gave to Nix. */
export function servedLine({ paths, bytes, cut }: ReportServed): string {
	const broken = cut === 0 ? '' : `; ${cut} broke off on the way`;
	return `Nix read ${paths} paths (${formatBytes(bytes)}) from the Actions cache in this job${broken}.`;
}

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
		lines.push(
			...problems.slice(0, LOG_LINES_PER_CLASS).map(({ path, problem }) => `  ${baseName(path)}: ${oneLine(problem ?? '')}`),
		);
	}
	return lines;
}

function volume({ counts, sentBytes, durationsMs }: Report): string {
	if (counts.pushed === undefined) return '';
	const { push } = durationsMs;
	const seconds = push === undefined ? '' : ` in ${(push / 1000).toFixed(1)} s`;
	return `; ${formatBytes(counts.pushed.narBytes)} as ${formatBytes(sentBytes)}${seconds}`;
}

/** One line for each reason: when a cache is down, thousands of paths have the same. */
function classLines(report: Report, name: ReportClass): readonly string[] {
	const groups = [...byReason(report.paths.filter((path) => path.class === name))];
	const lines = groups
		.slice(0, LOG_LINES_PER_CLASS)
		.map(([reason, paths]) => `  ${someNames(paths)}: ${CLASS_WORDS[name]}. ${oneLine(reason)}`.trimEnd());
	return groups.length > lines.length ? [...lines, `  and for ${groups.length - lines.length} more reasons`] : lines;
}

function byReason(paths: readonly ReportedPath[]): ReadonlyMap<string, readonly ReportedPath[]> {
	return Map.groupBy(paths, (path) => path.reason ?? '');
}

/** The first of them, and how many more. */
function someNames(paths: readonly ReportedPath[]): string {
	const first = baseName(paths[0]?.path ?? '');
	return paths.length === 1 ? first : `${first} and ${paths.length - 1} more`;
}

/** The runner takes 1 MiB for a step and drops what is longer. */
const SUMMARY_LIMIT_BYTES = 900 * 1024;
/** A page with thousands of rows helps nobody; all of them are in the JSON report. */
const SUMMARY_ROWS = 100;
const SUMMARY_LARGEST = 10;

/** Markdown for the job summary, under 1 MiB whatever the report holds. */
export function reportSummary(report: Report): string {
	const sections =
		report.paths.length === 0
			? [servedOf(report), ['', 'Nothing new to push.']]
			: [
					countsTable(report),
					servedOf(report),
					stopOf(report),
					verificationOf(report),
					...CLASSES.filter((name) => TROUBLE.has(name)).map((name) => classTable(report, name)),
					largestTable(report),
					times(report),
				];
	const warnings = report.warnings.slice(0, SUMMARY_ROWS).map((warning) => ['', `> ${cell(warning)}`]);
	return withinLimit([[`### Nix cache: ${cell(report.cache.label)}`], ...sections, ...warnings]);
}

/** Leaves out the sections for which there is no room. */
function withinLimit(sections: readonly (readonly string[])[]): string {
	let text = '';
	for (const lines of sections) {
		const more = lines.map((line) => `${line}\n`).join('');
		if (Buffer.byteLength(text) + Buffer.byteLength(more) <= SUMMARY_LIMIT_BYTES) text += more;
	}
	return text;
}

function countsTable({ cache, counts, sentBytes }: Report): readonly string[] {
	const rows = CLASSES.flatMap((name) => {
		const count = counts[name];
		return count === undefined ? [] : [`| ${CLASS_WORDS[name]} | ${count.paths} | ${formatBytes(count.narBytes)} |`];
	});
	const sent =
		counts.pushed === undefined
			? []
			: ['', `Sent ${formatBytes(sentBytes)}${cache.kind === 'nix-copy' ? '' : ' after compression'}.`];
	return ['', '| | paths | NAR size |', '|---|---:|---:|', ...rows, ...sent];
}

function servedOf({ served }: Report): readonly string[] {
	return served === null ? [] : ['', servedLine(served)];
}

function stopOf({ stoppedBy }: Report): readonly string[] {
	if (stoppedBy === null) return [];
	return ['', `**The push ended early:** ${cell(stoppedBy.message)} ${cell(stoppedBy.hint ?? '')}`.trimEnd()];
}

function verificationOf({ verification }: Report): readonly string[] {
	if (verification === null) return [];
	const { checked, problems } = verification;
	const line = `Read back through the pull URL: ${checked} ${checked === 1 ? 'path' : 'paths'}, ${problems.length} with problems.`;
	const rows = problems.map(({ path, problem }) => [baseName(path), problem ?? '']);
	return ['', line, ...table('Not readable', ['path', 'problem'], rows)];
}

function classTable(report: Report, name: ReportClass): readonly string[] {
	const paths = report.paths.filter((path) => path.class === name);
	const rows = [...byReason(paths)].map(([reason, group]) => [someNames(group), reason]);
	return table(`${paths.length} ${CLASS_WORDS[name]}`, ['path', 'reason'], rows);
}

function largestTable(report: Report): readonly string[] {
	const rows = report.paths
		.filter((path) => path.class === 'pushed')
		.sort((a, b) => (b.narSizeBytes ?? 0) - (a.narSizeBytes ?? 0))
		.slice(0, SUMMARY_LARGEST)
		.map((path) => [baseName(path.path), formatBytes(path.narSizeBytes ?? 0), formatBytes(path.sentBytes ?? 0)]);
	return table('Largest pushed paths', ['path', 'NAR size', 'sent'], rows);
}

function times({ durationsMs }: Report): readonly string[] {
	const parts = Object.entries(durationsMs).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
	return parts.length === 0 ? [] : ['', `Time: ${parts.join(', ')}.`];
}

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
	if (rows.length === 0) return [];
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
	const shown = rows.slice(0, SUMMARY_ROWS).map((row) => line(row.map(cell)));
	const more =
		rows.length > shown.length ? [line([`and ${rows.length - shown.length} more`, ...columns.slice(1).map(() => '')])] : [];
	const head = [line(columns), line(columns.map(() => '---'))];
	return ['', `<details><summary>${title}</summary>`, '', ...head, ...shown, ...more, '', '</details>'];
}

const CELL_LIMIT = 500;

/**
 * Text from elsewhere (names, answers of servers) as one line that shows it as it is. As entities, because those are never markup:
 * no HTML, Markdown, mention, formula or link; control characters and those that turn the direction of writing are not shown.
 */
function cell(text: string): string {
	const short = text.length > CELL_LIMIT ? `${text.slice(0, CELL_LIMIT)}…` : text;
	return oneLine(short)
		.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '�')
		.replace(/[&<>"'`*_[\]\\|#~@$!:]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function oneLine(text: string): string {
	return text.replace(/\s+/g, ' ').trim();
}

function baseName(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

export function reportJson(report: Report): string {
	return `${JSON.stringify(report, null, '\t')}\n`;
}
