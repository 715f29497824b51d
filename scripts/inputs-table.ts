/**
 * Writes docs/inputs.md from action.yml, so that the two never differ. With `--check` it writes nothing and fails when they do (`npm run check`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { table } from './docs/markdown-table.ts';

interface Entry {
	readonly description: string;
	readonly default?: string;
}

const root = join(import.meta.dirname, '..');
const file = join(root, 'docs', 'inputs.md');

/** What action.yml says of the inputs that it sets by itself. */
const NOT_FOR_PEOPLE = 'Not for people to set.';

function render(action: {
	readonly inputs: Readonly<Record<string, Entry>>;
	readonly outputs: Readonly<Record<string, Entry>>;
}): string {
	const inputs = Object.entries(action.inputs);
	const forPeople = inputs.filter(([, { description }]) => description !== NOT_FOR_PEOPLE);
	const own = inputs.filter(([, { description }]) => description === NOT_FOR_PEOPLE).map(([name]) => code(name));
	return [
		'<!-- Made from action.yml by `node scripts/run.mjs inputs-table`. -->',
		'',
		'# Inputs and outputs',
		'',
		'No input is required. Lists take one entry per line.',
		'',
		...table(
			['input', 'default', 'meaning'],
			forPeople.map(([name, entry]) => [code(name), entry.default ? code(entry.default) : '', entry.description]),
		),
		'',
		`${own.slice(0, -1).join(', ')} and ${own.at(-1)} are set by the action itself.`,
		'',
		...table(
			['output', 'meaning'],
			Object.entries(action.outputs).map(([name, { description }]) => [code(name), description]),
		),
		'',
	].join('\n');
}

function code(text: string): string {
	return `\`${text}\``;
}

const text = render(parse(readFileSync(join(root, 'action.yml'), 'utf8')));
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
	console.error('docs/inputs.md is not what action.yml says. Run `node scripts/run.mjs inputs-table` and commit it.');
	process.exitCode = 1;
}
