/** An action's action.yml, as far as the runner looks at it for a JavaScript action. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Contexts, evaluate } from './expression.ts';

export interface ActionFile {
	readonly folder: string;
	/** Declared inputs and their defaults, unevaluated. */
	readonly inputs: ReadonlyMap<string, string>;
	readonly outputs: readonly string[];
	/** Scripts relative to the folder; null when the action has none for that stage. */
	readonly pre: string | null;
	readonly main: string;
	readonly post: string | null;
}

export function readActionFile(folder: string): ActionFile {
	const file: unknown = parse(readFileSync(join(folder, 'action.yml'), 'utf8'));
	const runs = property(file, 'runs');
	const using = property(runs, 'using');
	if (using !== 'node24')
		throw new Error(`${folder}/action.yml: the runner harness runs node24 actions only, this is ${String(using)}`);
	const main = property(runs, 'main');
	if (typeof main !== 'string') throw new Error(`${folder}/action.yml has no runs.main`);
	const inputs = Object.entries(property(file, 'inputs') ?? {}).map(([name, input]): [string, string] => [
		name,
		String(property(input, 'default') ?? ''),
	]);
	return {
		folder,
		inputs: new Map(inputs),
		outputs: Object.keys(property(file, 'outputs') ?? {}),
		pre: script(runs, 'pre'),
		main,
		post: script(runs, 'post'),
	};
}

/**
 * The INPUT_ variables of one stage: names in upper case, spaces to underscores, hyphens kept; every declared input is there.
 * Evaluated anew in every stage, as the runner does. An input that the action does not declare is passed on with a warning.
 */
export function inputEnvironment(
	action: ActionFile,
	given: Readonly<Record<string, string>>,
	contexts: Contexts,
): { readonly env: Record<string, string>; readonly unexpected: readonly string[] } {
	const lower = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
	const env: Record<string, string> = {};
	for (const [name, fallback] of action.inputs) {
		env[variable(name)] = lower.get(name.toLowerCase()) ?? evaluate(fallback, contexts);
		lower.delete(name.toLowerCase());
	}
	for (const [name, value] of lower) env[variable(name)] = value;
	return { env, unexpected: [...lower.keys()] };
}

function variable(input: string): string {
	return `INPUT_${input.toUpperCase().replaceAll(' ', '_')}`;
}

function script(runs: unknown, stage: string): string | null {
	const value = property(runs, stage);
	return typeof value === 'string' ? value : null;
}

function property(value: unknown, name: string): object | string | number | boolean | undefined {
	const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
	switch (typeof found) {
		case 'string':
		case 'number':
		case 'boolean':
			return found;
		case 'object':
			return found ?? undefined;
		default:
			return undefined;
	}
}
