import type { StoreTarget } from '../cache-target/target.ts';
import { inputsOf, openCommandSession, openStore } from './command-session.ts';
import type { Context } from './context.ts';
import { examine, type Finding } from './examination.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { usageError } from './parse.ts';
import { inOurWords } from './words.ts';

const LIMIT_MS = 120_000;

/** `doctor [URL...]` */
export async function doctor(context: Context): Promise<ExitStatus> {
	const { args, terminal, wantsJson } = context;
	const inputs = await inputsOf(context, { cache: args.operands.join('\n') });
	// Without a URL the inputs name the Actions cache, which is of no use here.
	const targets = args.operands.length === 0 ? [] : inputs.caches.map(asStoreTarget);
	const store = await openStore(context);
	const session = await openCommandSession(context, inputs);
	try {
		const found = await examine({ session, store, targets, signal: AbortSignal.timeout(LIMIT_MS) });
		const findings = found.map(({ text, fix, ...rest }) => ({
			...rest,
			text: inOurWords(text),
			fix: fix === null ? null : inOurWords(fix),
		}));
		const problems = findings.filter(({ level }) => level !== 'ok');
		if (wantsJson)
			terminal.print(
				JSON.stringify({ version: 1, findings: findings.filter(({ level }) => level === 'ok'), problems }, null, '\t'),
			);
		else for (const finding of findings) for (const line of linesOf(finding)) terminal.print(line);
		return problems.some(({ level }) => level === 'warning') ? EXIT.failed : EXIT.well;
	} finally {
		await session.close();
	}
}

function asStoreTarget(target: StoreTarget | { readonly kind: 'actions-cache' }): StoreTarget {
	if (target.kind !== 'actions-cache') return target;
	throw usageError('`doctor` does not look at the Actions cache.', '`ls` shows what is in it.');
}

const MARKS: Readonly<Record<Finding['level'], string>> = { ok: 'ok     ', notice: 'notice ', warning: 'WARNING' };

function linesOf({ level, about, text, fix }: Finding): readonly string[] {
	return [`${MARKS[level]} ${about}: ${text}`, ...(fix === null ? [] : [`${' '.repeat(MARKS.ok.length)} -> ${fix}`])];
}
