import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { describeError } from '../src/errors.ts';
import { parseInputs } from '../src/inputs/inputs.ts';

const root = join(import.meta.dirname, '..');
const actionFile: unknown = parse(readFileSync(join(root, 'action.yml'), 'utf8'));
const declared = new Set(Object.keys(record(record(actionFile).inputs)));

/** A piece of YAML in a file of this repository. */
interface Piece {
	/** File and line, for people. */
	readonly where: string;
	readonly text: string;
}

const workflows = files('.github/**/*.{yml,yaml}').map((file): Piece => ({ where: file, text: read(file) }));
const blocks = files('*.md', 'docs/**/*.md', 'bench/**/*.md').flatMap(yamlBlocks);

function files(...patterns: readonly string[]): readonly string[] {
	return globSync(patterns, { cwd: root }).sort();
}

function read(file: string): string {
	return readFileSync(join(root, file), 'utf8');
}

/** The fenced blocks of a Markdown file that are YAML, without the blanks that they are indented by. */
function yamlBlocks(file: string): readonly Piece[] {
	const text = read(file);
	return [...text.matchAll(/^([ \t]*)```ya?ml[^\n]*\n(.*?)^[ \t]*```/gms)].map((match) => ({
		where: `${file}:${text.slice(0, match.index).split('\n').length}`,
		text: (match[2] ?? '').replaceAll(new RegExp(`^${match[1] ?? ''}`, 'gm'), ''),
	}));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Every mapping in a document, from the outside in. */
function mappings(value: unknown): readonly Readonly<Record<string, unknown>>[] {
	if (Array.isArray(value)) return value.flatMap(mappings);
	if (typeof value !== 'object' || value === null) return [];
	return [record(value), ...Object.values(value).flatMap(mappings)];
}

interface Use {
	readonly action: string;
	readonly inputs: Readonly<Record<string, string>>;
}

function usesIn(text: string): readonly Use[] {
	return mappings(parse(text)).flatMap(({ uses, with: given }) => {
		if (typeof uses !== 'string') return [];
		const inputs = Object.entries(record(given)).map(([name, value]) => [name, String(value ?? '')]);
		return [{ action: uses, inputs: Object.fromEntries(inputs) }];
	});
}

const isOurs = ({ action }: Use): boolean => action === './' || /^[\w.-]+\/nix-cache-action@/.test(action);

/** What is wrong with a use of this action: unknown inputs, and whatever the action itself would refuse. */
function problemsOf({ inputs }: Use): readonly string[] {
	const unknown = Object.keys(inputs).filter((name) => !declared.has(name));
	try {
		parseInputs((name) => withoutExpressions(inputs[name] ?? '').trim());
		return unknown;
	} catch (error) {
		return [...unknown, describeError(error)];
	}
}

/** A value that is an expression alone is taken as empty, as a secret is for a fork; one inside of a text stands for some word. */
function withoutExpressions(value: string): string {
	return value.replace(/^\s*\$\{\{[^}]*\}\}\s*$/, '').replaceAll(/\$\{\{[^}]*\}\}/g, 'value');
}

describe.each([...workflows, ...blocks])('the YAML of $where', ({ text }) => {
	it('is YAML', () => {
		expect(parseDocument(text).errors.map(String)).toEqual([]);
	});

	it('gives this action no input that it does not have, and no value that it refuses', () => {
		expect(usesIn(text).filter(isOurs).flatMap(problemsOf)).toEqual([]);
	});
});

describe('the check of inputs', () => {
	it('sees the uses of this action, and finds what is wrong', () => {
		expect(blocks.flatMap(({ text }) => usesIn(text)).filter(isOurs).length).toBeGreaterThan(3);
		const [use] = usesIn(
			`- uses: org/nix-cache-action@v1\n  with: { cash: x, push: sometimes, signing-key: "\${{ secrets.KEY }}" }`,
		);
		expect(use && problemsOf(use)).toEqual(['cash', expect.stringContaining('push: `sometimes` is not allowed')]);
	});
});

describe.each(workflows)('$where', ({ text }) => {
	it('pins the actions of others by commit, and says which version that is', () => {
		const lines = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line));
		const loose = lines.filter((line) => !/uses: (\.\/\S*|[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d\S*)$/.test(line));
		expect(loose).toEqual([]);
	});

	it('gives its token no right that a job does not need, and keeps it out of the checkout', () => {
		const whole = record(parse(text));
		if (whole.jobs === undefined) return;
		expect(whole.permissions).toBeTypeOf('object');
		expect(Object.values(record(whole.permissions)).filter((right) => right !== 'read')).toEqual([]);
		const checkouts = usesIn(text).filter(({ action }) => action.startsWith('actions/checkout@'));
		expect(checkouts.filter(({ inputs }) => inputs['persist-credentials'] !== 'false')).toEqual([]);
	});

	it('puts no expression into a script, and no job without a limit', () => {
		const jobs = Object.values(record(record(parse(text)).jobs)).map(record);
		expect(jobs.filter((job) => job['timeout-minutes'] === undefined)).toEqual([]);
		const scripts = jobs.flatMap(mappings).flatMap(({ run }) => (typeof run === 'string' ? [run] : []));
		expect(scripts.filter((script) => script.includes('${{'))).toEqual([]);
	});
});

it('links in the documentation lead to files that are there', () => {
	const broken = files('*.md', 'docs/**/*.md', 'bench/**/*.md').flatMap((file) =>
		[...read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].flatMap(([, target = '']) =>
			existsSync(join(root, file, '..', target)) ? [] : [`${file}: ${target}`],
		),
	);
	expect(broken).toEqual([]);
});
