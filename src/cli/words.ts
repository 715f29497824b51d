import { INPUT_NAMES } from '../inputs/given.ts';
import { COMMANDS } from './commands.ts';

/** What inputs of the action are called here. */
const NAMES: ReadonlyMap<string, string> = new Map([
	['cache', 'URL'],
	['paths', 'PATH'],
	...COMMANDS.flatMap(({ options, variables }) => [
		...options.flatMap(({ name, input }): [string, string][] => (input === undefined ? [] : [[input, `--${name}`]])),
		...variables.map(({ name, input }): [string, string] => [input, name]),
	]),
]);

/**
 * A message in the words of the command line: most of them come from parts that the action uses too, and name its inputs, as `` `signing-key` `` or, when an input is
 * wrong, in front of what is wrong with it.
 */
export function inOurWords(message: string): string {
	return message
		.replaceAll('this runner', 'this machine')
		.replaceAll('the caches of this step', 'the caches that were named')
		.replace(/^(?:An input is|\d+ inputs are) wrong:\n- /, '')
		.replace(/^((?:- )?)([a-z-]+): /gm, (all, hyphen: string, name: string) =>
			INPUT_NAMES.includes(name) ? `${hyphen}${NAMES.get(name) ?? name}: ` : all,
		)
		.replace(/`([a-z-]+)`/g, (all, name: string) => {
			const ours = NAMES.get(name);
			return ours === undefined || name === 'cache' ? all : `\`${ours}\``;
		});
}
