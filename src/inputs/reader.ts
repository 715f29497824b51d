import { describeError } from '../errors.ts';
import type { GetInput } from './given.ts';
import { inputLines } from './lines.ts';

/** Reads inputs of several kinds by name. What is wrong with one becomes a line of `problems`, and something that can be gone on with comes back. */
export function inputReader(get: GetInput, problems: string[]) {
	const lines = (name: string): readonly string[] => inputLines(get(name));
	const attempt = <T>(name: string, parse: () => T): readonly T[] => {
		try {
			return [parse()];
		} catch (error) {
			problems.push(`${name}: ${describeError(error)}`);
			return [];
		}
	};
	return {
		lines,
		attempt,
		/** The first of `allowed` when the input is empty. */
		choice<const T extends string>(name: string, allowed: readonly [T, ...T[]]): T {
			const given = get(name);
			const found = given === '' ? allowed[0] : allowed.find((value) => value === given);
			if (found !== undefined) return found;
			problems.push(`${name}: \`${given}\` is not allowed; allowed are ${allowed.map((value) => `\`${value}\``).join(', ')}.`);
			return allowed[0];
		},
		regExps: (name: string): readonly RegExp[] =>
			lines(name).flatMap((line) => {
				try {
					return [new RegExp(line, 'u')];
				} catch (error) {
					problems.push(`${name}: \`${line}\` is not a regular expression (${describeError(error)}).`);
					return [];
				}
			}),
		quantity(name: string, parse: (text: string) => number | null, allowed: string): number | null {
			const given = get(name);
			if (given === '') return null;
			const value = parse(given);
			if (value === null || value <= 0) problems.push(`${name}: \`${given}\` is not ${allowed}.`);
			return value;
		},
	};
}

export type InputReader = ReturnType<typeof inputReader>;
