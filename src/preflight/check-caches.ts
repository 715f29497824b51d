import type { Problem } from '../problem.ts';
import type { Answer, Facts } from './facts.ts';
import { hasPlace } from './place.ts';

/** Pure: what the caches say that Nix will ask. */

/** Signatures of requests (S3, Azure) are refused, and tokens not valid yet or any more, from about there on. */
const MOST_SKEW_MS = 5 * 60_000;

/** Of a cache that others named it is theirs to know whether it has to answer here; the daemon may have a way that this job has not. */
export function checkAnswers({ answers, told, wished, effective }: Facts): readonly Problem[] {
	const own = (told ?? wished)?.wish.substituters ?? [];
	const cannot = (url: string): string =>
		hasPlace(effective.substituters, url) ? `Nix is set to read from ${url}, and can't` : `Nix can't read from ${url}`;
	return answers.flatMap(({ url, trouble }): readonly Problem[] =>
		trouble === null
			? []
			: [
					{
						code: 'substituter-unusable',
						level: hasPlace(own, url) ? 'warning' : 'notice',
						title: 'Nix can not read from a cache',
						message: `${cannot(url)}: ${trouble.what}.`,
						fix:
							told === null && trouble.isRefusal
								? `Nix sends there what its netrc says: write \`machine ${new URL(url).hostname} login USER password PASSWORD\` into ${effective.netrcFile}.`
								: (trouble.hint ?? `Take it out of \`substituters\` (\`nix config show substituters\`).`),
					},
				],
	);
}

/** A priority that somebody chose is nobody's business; of none Nix makes 0, which is before everything else. */
export function checkPriorities({ answers, effective }: Facts): readonly Problem[] {
	if (!answers.some(({ info }) => info?.priority !== undefined && info.priority !== null && info.priority > 0)) return [];
	const says = (url: string): boolean => /[?&]priority=/.test(url);
	return answers
		.filter(({ url, info }) => info !== null && info.priority === null && !says(url) && effective.substituters.length > 1)
		.map(({ url }) => ({
			code: 'priority-missing',
			level: 'notice',
			title: 'A cache is asked before all others',
			message: `${url} does not say its priority, which Nix takes for 0: it is asked first, for every path of the other caches too.`,
			fix: `Add \`Priority: 41\` to its \`nix-cache-info\`, or \`?priority=41\` to its URL (\`?priority=0\` if it is meant so).`,
		}));
}

export function checkClock({ answers }: Facts): readonly Problem[] {
	const told = answers.filter((answer): answer is Answer & { readonly aheadMs: number } => answer.aheadMs !== null);
	// Where any other server agrees with this machine, it is that one which is wrong.
	const wrong = told.filter(({ aheadMs }) => Math.abs(aheadMs) > MOST_SKEW_MS);
	const [first] = wrong;
	if (first === undefined) return [];
	const agree = told.length - wrong.length;
	const host = new URL(first.url).host;
	const minutes = Math.round(Math.abs(first.aheadMs) / 60_000);
	const whose = agree > 0 ? `on ${host}` : 'on this machine (or that one)';
	return [
		{
			code: 'clock-wrong',
			level: 'warning',
			title: 'A clock is wrong',
			message: `This machine's clock is ${minutes} minutes ${first.aheadMs > 0 ? 'behind' : 'ahead of'} that of ${host}; signed requests, tokens and certificates fail with that.`,
			fix: `Set the clock ${whose}: \`sudo timedatectl set-ntp true\`.`,
		},
	];
}
