import { formatBytes } from '../quantity.ts';
import { pie } from './chart.ts';
import { servedLine, serveErrorsLine } from './lines.ts';
import { cell, foldedTable, MAX_ROWS, numbersTable } from './markdown.ts';
import type { ReportOrigin } from './origins.ts';
import type { CacheReport, Report, ReportClass } from './report.ts';
import {
	baseName,
	byReason,
	CLASS_WORDS,
	CLASSES,
	countOf,
	isReadBack,
	originWords,
	shortName,
	someNames,
	TROUBLE,
	WHY_BUILT_WORDS,
} from './words.ts';

/** The runner takes 1 MiB for a step and drops what is longer. */
const SUMMARY_LIMIT_BYTES = 900 * 1024;
const SUMMARY_LARGEST = 10;
const SUMMARY_BUILT = 5;

/** Markdown for the job summary, under 1 MiB whatever the report holds. */
export function reportSummary(report: Report): string {
	const warnings = report.warnings.slice(0, MAX_ROWS).map((warning) => ['', `> ${cell(warning)}`]);
	return withinLimit([...warnings, [''], ...originSections(report), ...report.caches.flatMap(cacheSections)]);
}

function originSections({ origins, built, caches, served, serveErrors }: Report): readonly (readonly string[])[] {
	const reads = served.flatMap((one) => ['', cell(servedLine(one))]);
	const errors = serveErrorsLine(serveErrors);
	const below = [...reads, ...(errors === null ? [] : ['', cell(errors)])];
	if (origins === null || origins.length === 0) return below.length === 0 ? [] : [['### Nix store', ...below, '']];
	const rows = origins.map((origin) => [originWords(origin), String(origin.paths), formatBytes(origin.narBytes)]);
	const slices = origins.map((origin) => ({ label: originWords(origin), bytes: origin.narBytes }));
	return [
		['### Nix store: what was new in this job', '', cell(hitLine(origins))],
		numbersTable(['', 'paths', 'NAR size'], rows),
		pie('New in the store', slices),
		// With what is known of why, they are listed under the cache that could say so.
		caches.some((cache) => cache.built.length > 0) ? [] : builtList(built),
		[...below, ''],
	];
}

/** What people look for first. */
function hitLine(origins: readonly ReportOrigin[]): string {
	const sum = (...kinds: readonly ReportOrigin['from'][]): number =>
		origins.reduce((all, { from, paths }) => all + (kinds.includes(from) ? paths : 0), 0);
	const [cached, built, unsigned] = [sum('served', 'signed'), sum('built'), sum('unsigned')];
	const all = cached + built + unsigned;
	if (all === 0) return 'Nothing was built, and nothing came from a cache.';
	const share = Math.floor((100 * cached) / all);
	const told = `${countOf(cached)} came from caches and ${built} ${built === 1 ? 'was' : 'were'} built here`;
	// Those may have come from a cache that is trusted as it is, or from another machine that built them.
	return unsigned === 0
		? `${told}: ${share} % from caches.`
		: `${told}, and of ${unsigned} it is not known: at least ${share} % from caches.`;
}

function cacheSections(report: CacheReport): readonly (readonly string[])[] {
	const title = [`### Nix cache: ${cell(report.cache.label)}`];
	if (!report.cache.canPush) return [title, ['', `Not pushed to: ${cell(report.cache.whyNot ?? 'this job only reads.')}`, '']];
	if (report.paths.length === 0) return [title, report.stoppedBy === null ? ['', 'Nothing new to push.', ''] : stopOf(report)];
	return [
		title,
		countsTable(report),
		stopOf(report),
		builtTable(report),
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
		return count === undefined ? [] : [[CLASS_WORDS[name], String(count.paths), formatBytes(count.narBytes)]];
	});
	const { pushed } = counts;
	if (pushed === undefined) return numbersTable(['', 'paths', 'NAR size'], rows);
	const saved = cache.kind === 'nix-copy' ? '' : savedWords(pushed.narBytes, sentBytes);
	const sent = `Sent ${formatBytes(sentBytes)} for ${formatBytes(pushed.narBytes)}${saved}.`;
	return [...numbersTable(['', 'paths', 'NAR size'], rows), '', sent];
}

function savedWords(narBytes: number, sentBytes: number): string {
	if (narBytes === 0 || sentBytes >= narBytes) return '';
	return `: ${Math.floor(100 * (1 - sentBytes / narBytes))} % saved by compression and by what was there`;
}

function builtList(built: Report['built']): readonly string[] {
	const rows = built.map(({ path, narSizeBytes }) => [shortName(path), formatBytes(narSizeBytes)]);
	return foldedTable(`${built.length} built here`, ['path', 'NAR size'], rows);
}

function builtTable({ built }: CacheReport): readonly string[] {
	const rows = built.map(({ why, paths, narBytes }) => [
		String(paths.length),
		formatBytes(narBytes),
		WHY_BUILT_WORDS[why],
		paths.slice(0, SUMMARY_BUILT).map(shortName).join(', ') + (paths.length > SUMMARY_BUILT ? ', …' : ''),
	]);
	const total = built.reduce((sum, { paths }) => sum + paths.length, 0);
	return foldedTable(`${total} built here, and why`, ['paths', 'NAR size', 'it was', 'the largest of them'], rows);
}

function stopOf({ stoppedBy }: CacheReport): readonly string[] {
	if (stoppedBy === null) return [];
	return ['', `**The push ended early:** ${cell(stoppedBy.message)} ${cell(stoppedBy.hint ?? '')}`.trimEnd()];
}

function verificationOf(report: CacheReport): readonly string[] {
	const { verification } = report;
	if (verification === null || verification.checked === 0) return [];
	const { checked, problems } = verification;
	const result = `${countOf(checked)}, ${problems.length} with problems.`;
	const line = isReadBack(report)
		? `Read back through the pull URL: ${result}`
		: `Checked in the index that was saved: ${result} None was read back.`;
	const rows = problems.map(({ path, problem }) => [baseName(path), problem ?? '']);
	return ['', line, ...foldedTable('Not readable', ['path', 'problem'], rows)];
}

function classTable(report: CacheReport, name: ReportClass): readonly string[] {
	const paths = report.paths.filter((path) => path.class === name);
	const rows = [...byReason(paths)].map(([reason, group]) => [someNames(group), reason]);
	return foldedTable(`${paths.length} ${CLASS_WORDS[name]}`, ['path', 'reason'], rows);
}

function largestTable(report: CacheReport): readonly string[] {
	const rows = report.paths
		.filter((path) => path.class === 'pushed')
		.sort((a, b) => (b.narSizeBytes ?? 0) - (a.narSizeBytes ?? 0))
		.slice(0, SUMMARY_LARGEST)
		.map((path) => [shortName(path.path), formatBytes(path.narSizeBytes ?? 0), formatBytes(path.sentBytes ?? 0)]);
	return foldedTable('Largest pushed paths', ['path', 'NAR size', 'sent'], rows);
}

function times({ durationsMs }: CacheReport): readonly string[] {
	const parts = Object.entries(durationsMs)
		.filter(([, ms]) => ms >= 50)
		.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(1)} s`);
	return parts.length === 0 ? [] : ['', `Time: ${parts.join(', ')}.`];
}
