import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';

const file = join(import.meta.dirname, '..', '..', 'docs', 'report.schema.json');

export const reportSchema: Readonly<Record<string, unknown>> = JSON.parse(readFileSync(file, 'utf8'));

const validate = new Ajv2020({ allErrors: true, strict: true }).compile(reportSchema);

/** Where a value is not as docs/report.schema.json says; empty when it is. */
export function schemaProblems(report: unknown): readonly string[] {
	return validate(report) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}
