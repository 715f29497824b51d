import { describe, expect, it } from 'vitest';
import { createTerminal, type TerminalOptions } from '../../src/cli/terminal.ts';

function recorded(options: Partial<TerminalOptions> = {}) {
	const said = { out: '', err: '' };
	const terminal = createTerminal({
		out: (text) => (said.out += text),
		err: (text) => (said.err += text),
		talk: 'normal',
		isColoured: false,
		...options,
	});
	return { terminal, said };
}

describe('the terminal', () => {
	it('gets results on standard output and everything else on standard error', () => {
		const { terminal, said } = recorded();
		terminal.print('result');
		terminal.log.info('how it goes');
		terminal.log.warning('careful');
		terminal.log.debug('detail');
		terminal.fail('it did not work');
		expect(said).toEqual({ out: 'result\n', err: 'how it goes\nwarning: careful\nerror: it did not work\n' });
	});

	it('shows no secret that it was told of, on neither side', () => {
		const { terminal, said } = recorded();
		terminal.log.mask('hunter2');
		terminal.log.mask('hunter2-longer');
		terminal.print('a hunter2-longer b');
		terminal.log.error('c hunter2 d');
		expect(said).toEqual({ out: 'a *** b\n', err: 'error: c *** d\n' });
	});

	it('is not moved by what a server says', () => {
		const { terminal, said } = recorded();
		terminal.log.warning('\x1b]0;title\x07\x1b[2J\u009b2Jgone');
		expect(said.err).toBe('warning: ?]0;title??[2J?2Jgone\n');
	});

	it('has colour where people look alone', () => {
		const { terminal, said } = recorded({ isColoured: true });
		terminal.log.error('red');
		expect(said.err).toBe('\x1b[1;31merror:\x1b[0m red\n');
	});

	it('is as quiet or as talkative as it is told to be', () => {
		const quiet = recorded({ talk: 'quiet' });
		const verbose = recorded({ talk: 'verbose' });
		for (const { terminal } of [quiet, verbose]) {
			terminal.log.debug('detail');
			terminal.log.info('line');
			terminal.log.warning('problem');
		}
		expect([quiet.said.err, verbose.said.err]).toEqual(['warning: problem\n', 'detail\nline\nwarning: problem\n']);
	});
});
