import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WHY_BUILT } from '../../src/report/built.ts';
import { ORIGINS } from '../../src/report/origins.ts';
import { makeReport, reportJson } from '../../src/report/report.ts';
import { CLASSES } from '../../src/report/words.ts';
import { reportFacts } from './facts.ts';
import { reportSchema, schemaProblems } from './schema.ts';

/** Every schema of an object within the schema. */
function objectsIn(schema: unknown): readonly Readonly<Record<string, unknown>>[] {
	if (typeof schema !== 'object' || schema === null) return [];
	const fields: Readonly<Record<string, unknown>> = { ...schema };
	return [...(fields.type === 'object' ? [fields] : []), ...Object.values(fields).flatMap(objectsIn)];
}

/** The names of all fields in a value. */
function fieldNames(value: unknown): readonly string[] {
	if (Array.isArray(value)) return value.flatMap(fieldNames);
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([name, field]) => [name, ...fieldNames(field)]);
}

const docs = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'report.md'), 'utf8');
const reports = fc.sample(reportFacts, { numRuns: 300, seed: 5 }).map((facts) => JSON.parse(reportJson(makeReport(facts))));

describe('the schema of the report', () => {
	it('fits the report of any job', () => {
		fc.assert(
			fc.property(reportFacts, (facts) => {
				expect(schemaProblems(JSON.parse(reportJson(makeReport(facts))))).toEqual([]);
			}),
		);
	});

	it('allows no field that it does not describe, and requires all others', () => {
		const open = objectsIn(reportSchema).filter((schema) => schema.additionalProperties === undefined);
		expect(open).toEqual([]);
		const [report] = reports;
		for (const name of Object.keys(report)) {
			const { [name]: _, ...less } = report;
			expect(schemaProblems(less)).toHaveLength(1);
		}
		expect(schemaProblems({ ...report, more: 1 })).toEqual([': must NOT have additional properties']);
		const [cache, ...others] = reports.find(({ caches }) => caches.length > 0).caches;
		expect(schemaProblems({ ...report, caches: [{ ...cache, more: 1 }, ...others] })).toHaveLength(1);
	});

	it('names every class, origin and reason, and no other', () => {
		expect(reportSchema).toMatchObject({
			$defs: {
				class: { enum: CLASSES },
				origin: { properties: { from: { enum: ORIGINS } } },
				built: { properties: { why: { enum: WHY_BUILT } } },
			},
		});
	});

	it('is explained in docs/report.md, every class, origin and reason', () => {
		const rows = [...docs.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
		expect(rows.toSorted()).toEqual([...ORIGINS, ...WHY_BUILT, ...CLASSES].toSorted());
	});

	it('describes nothing that no report has', () => {
		const seen = new Set(reports.flatMap(fieldNames));
		const described = objectsIn(reportSchema).flatMap(({ properties }) => Object.keys(properties ?? {}));
		expect(described.filter((name) => !seen.has(name))).toEqual([]);
	});
});
