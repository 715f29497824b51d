import { formatBytes } from '../quantity.ts';
import { servedLine } from './lines.ts';
import type { CacheReport, Report, ReportClass } from './report.ts';
import { baseName, byReason, CLASS_WORDS, CLASSES, oneLine, someNames, TROUBLE } from './words.ts';

/** The runner takes 1 MiB for a step and drops what is longer. */
const SUMMARY_LIMIT_BYTES = 900 * 1024;
/** A page with thousands of rows helps nobody; all of them are in the JSON report. */
const SUMMARY_ROWS = 100;
const SUMMARY_LARGEST = 10;

/** Markdown for the job summary, under 1 MiB whatever the report holds. */
export function reportSummary(report: Report): string {
	const warnings = report.warnings.slice(0, SUMMARY_ROWS).map((warning) => ['', `> ${cell(warning)}`]);
	return withinLimit([...report.caches.flatMap(cacheSections), servedOf(report), ...warnings]);
}

function cacheSections(report: CacheReport): readonly (readonly string[])[] {
	const title = [`### Nix cache: ${cell(report.cache.label)}`];
	if (!report.cache.canPush) return [title, ['', `Not pushed to: ${cell(report.cache.whyNot ?? 'this job only reads.')}`, '']];
	if (report.paths.length === 0) return [title, report.stoppedBy === null ? ['', 'Nothing new to push.', ''] : stopOf(report)];
	return [
		title,
		countsTable(report),
		stopOf(report),
		verificationOf(report),
		...CLASSES.filter((name) => TROUBLE.has(name)).map((name) => classTable(report, name)),
		largestTable(report),
		times(report),
		[''],
	];
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

function countsTable({ cache, counts, sentBytes }: CacheReport): readonly string[] {
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
	return served.flatMap((one) => ['', cell(servedLine(one))]);
}

function stopOf({ stoppedBy }: CacheReport): readonly string[] {
	if (stoppedBy === null) return [];
	return ['', `**The push ended early:** ${cell(stoppedBy.message)} ${cell(stoppedBy.hint ?? '')}`.trimEnd()];
}

function verificationOf({ verification }: CacheReport): readonly string[] {
	if (verification === null) return [];
	const { checked, problems } = verification;
	const line = `Read back through the pull URL: ${checked} ${checked === 1 ? 'path' : 'paths'}, ${problems.length} with problems.`;
	const rows = problems.map(({ path, problem }) => [baseName(path), problem ?? '']);
	return ['', line, ...table('Not readable', ['path', 'problem'], rows)];
}

function classTable(report: CacheReport, name: ReportClass): readonly string[] {
	const paths = report.paths.filter((path) => path.class === name);
	const rows = [...byReason(paths)].map(([reason, group]) => [someNames(group), reason]);
	return table(`${paths.length} ${CLASS_WORDS[name]}`, ['path', 'reason'], rows);
}

function largestTable(report: CacheReport): readonly string[] {
	const rows = report.paths
		.filter((path) => path.class === 'pushed')
		.sort((a, b) => (b.narSizeBytes ?? 0) - (a.narSizeBytes ?? 0))
		.slice(0, SUMMARY_LARGEST)
		.map((path) => [baseName(path.path), formatBytes(path.narSizeBytes ?? 0), formatBytes(path.sentBytes ?? 0)]);
	return table('Largest pushed paths', ['path', 'NAR size', 'sent'], rows);
}

function times({ durationsMs }: CacheReport): readonly string[] {
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
