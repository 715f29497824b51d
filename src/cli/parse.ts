import { parseArgs } from 'node:util';
import { CacheError } from '../errors.ts';
import type { Arguments, Command, Option } from './command.ts';
import { optionsOf, PROGRAM } from './commands.ts';
import { nearest } from './nearest.ts';

/** Options that people try, and that would show a secret to everybody who can list processes. By the variable to set in their place. */
const SECRETS: ReadonlyMap<string, string> = new Map([
	['signing-key', 'NIX_CACHE_SIGNING_KEY'],
	['username', 'NIX_CACHE_USERNAME'],
	['password', 'NIX_CACHE_PASSWORD'],
	['token', 'NIX_CACHE_TOKEN'],
	['netrc', 'NIX_CACHE_NETRC'],
]);

/** A mistake in the command line. */
export function usageError(message: string, hint?: string): CacheError {
	return new CacheError('input-invalid', message, { hint });
}

/**
 * Reads the arguments behind the name of a command. Options may stand anywhere, `--` ends them, and `--name=value` is `--name value`. No message shows a value.
 * @throws CacheError `input-invalid` for the first mistake
 */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
	const known = new Map(optionsOf(command).map((option) => [option.name, option]));
	const options = Object.fromEntries([...known.values()].map((option) => [option.name, parserOptionOf(option)]));
	// Not its own `strict`, whose messages can't name what was meant.
	const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
	const operands: string[] = [];
	const values = new Map<string, string[]>();
	const switches = new Set<string>();
	for (const token of tokens) {
		if (token.kind === 'option-terminator') continue;
		if (token.kind === 'positional') {
			operands.push(token.value);
			continue;
		}
		const option = known.get(token.name);
		if (option === undefined) throw unknownOption(token.name, token.rawName, command);
		if (option.value === null) {
			if (token.value !== undefined) throw usageError(`\`${token.rawName}\` takes no value.`, helpHint(command));
			switches.add(option.name);
			continue;
		}
		const given = values.get(option.name) ?? [];
		if (given.length > 0 && option.repeats !== true) throw usageError(`\`${token.rawName}\` is given twice.`, helpHint(command));
		values.set(option.name, [...given, checkedValue(option, token.value, token.inlineValue === true, command)]);
	}
	if (!switches.has('help')) checkOperands(command, operands);
	return { operands, values, switches };
}

function parserOptionOf({ value, short }: Option) {
	return {
		type: value === null ? ('boolean' as const) : ('string' as const),
		multiple: true,
		...(short === undefined ? {} : { short }),
	};
}

function checkedValue(option: Option, value: string | undefined, isInline: boolean, command: Command): string {
	// The next option is not a value; a regular expression may well begin with a hyphen.
	const isOption =
		value !== undefined && optionsOf(command).some(({ name, short }) => value === `--${name}` || value === `-${short}`);
	if (value === undefined || (isOption && !isInline))
		throw usageError(`\`--${option.name}\` takes a value: \`--${option.name} ${option.value}\`.`, helpHint(command));
	if (option.choices === undefined || option.choices.includes(value)) return value;
	const meant = nearest(value, option.choices);
	const choices = option.choices.map((choice) => `\`${choice}\``).join(', ');
	throw usageError(
		`\`--${option.name}\` does not take \`${value}\`.`,
		meant === null ? `It takes ${choices}.` : `Did you mean \`${meant}\`?`,
	);
}

function unknownOption(name: string, rawName: string, command: Command): CacheError {
	const variable = SECRETS.get(name);
	if (variable !== undefined) {
		return usageError(
			`There is no \`${rawName}\`: other users of this machine can read command lines.`,
			`Set the environment variable ${variable}, and replace the secret if it was a real one.`,
		);
	}
	const meant =
		name.length < 2
			? null
			: nearest(
					name,
					optionsOf(command).map((option) => option.name),
				);
	return usageError(
		`\`${PROGRAM} ${command.name}\` has no option \`${rawName}\`.`,
		meant === null ? helpHint(command) : `Did you mean \`--${meant}\`?`,
	);
}

function checkOperands(command: Command, operands: readonly string[]): void {
	const least = command.operands.filter(({ count }) => count === 'one' || count === 'many');
	const missing = least[operands.length];
	if (missing !== undefined)
		throw usageError(`\`${PROGRAM} ${command.name}\` needs ${missing.name}: ${missing.meaning}`, helpHint(command));
	const isOpen = command.operands.some(({ count }) => count === 'many' || count === 'any');
	const most = command.operands.length;
	if (isOpen || operands.length <= most) return;
	const takes = most === 0 ? 'no argument' : `${most} argument${most === 1 ? '' : 's'}`;
	throw usageError(`\`${PROGRAM} ${command.name}\` takes ${takes}, and there are ${operands.length}.`, helpHint(command));
}

function helpHint({ name }: Command): string {
	return `\`${PROGRAM} ${name} --help\` shows all that it takes.`;
}
