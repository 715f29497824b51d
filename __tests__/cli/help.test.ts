import { describe, expect, it } from 'vitest';
import { COMMANDS, optionsOf } from '../../src/cli/commands.ts';
import { EXIT } from '../../src/cli/exit-status.ts';
import { commandHelp, programHelp } from '../../src/cli/help.ts';

describe('the help', () => {
	it('lists every command, in lines that fit a terminal', () => {
		for (const { name } of COMMANDS) expect(programHelp()).toMatch(new RegExp(`^  ${name} `, 'm'));
		expect(
			programHelp()
				.split('\n')
				.filter((line) => line.length > 80),
		).toEqual([]);
	});

	it.each(COMMANDS)('of $name has all that it takes, without marks of Markdown', (command) => {
		const text = commandHelp(command);
		for (const { name } of [...optionsOf(command)]) expect(text).toContain(`--${name}`);
		for (const { name } of [...command.operands, ...command.variables]) expect(text).toContain(name);
		const [body = ''] = text.split('\nExamples:');
		expect(body).not.toContain('`');
		expect(body.split('\n').filter((line) => line.length > 80)).toEqual([]);
	});

	it('names no exit status that there is not', () => {
		const known: readonly number[] = Object.values(EXIT);
		expect(
			COMMANDS.flatMap(({ exits }) => exits.map(({ status }) => status)).filter((status) => !known.includes(status)),
		).toEqual([]);
	});
});
