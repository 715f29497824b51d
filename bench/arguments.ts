/** The command line of a benchmark: `[--nix 2.26] [--runs 5] [word ...]`. */
import { parseArgs } from 'node:util';
import { NIX_VERSIONS, type NixVersion } from '../scripts/roots.ts';

export interface BenchArguments {
	readonly nix: NixVersion;
	/** Pairs that count. */
	readonly runs: number;
	/** Whether this part is to be measured: it was named, or none was. */
	wants(part: string): boolean;
	/** Whether the word was given. */
	has(word: string): boolean;
}

interface Words {
	readonly parts: readonly string[];
	/** Words that are no parts. */
	readonly others?: readonly string[];
	readonly nix?: NixVersion;
	readonly runs?: number;
}

/** Throws, and says what there is, at a word or a version that is not there. */
export function benchArguments({ parts, others = [], nix = '2.26', runs = 5 }: Words): BenchArguments {
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: { nix: { type: 'string', default: nix }, runs: { type: 'string', default: `${runs}` } },
	});
	const words = [...parts, ...others];
	const unknown = positionals.find((word) => !words.includes(word));
	if (unknown !== undefined) throw new Error(`\`${unknown}\` is none of ${words.join(', ')}`);
	const version = NIX_VERSIONS.find((one) => one === values.nix);
	if (version === undefined) throw new Error(`--nix is none of ${NIX_VERSIONS.join(', ')}`);
	if (!(Number(values.runs) >= 1)) throw new Error('--runs is a number from 1 on');
	const named = positionals.filter((word) => parts.includes(word));
	return {
		nix: version,
		runs: Number(values.runs),
		wants: (part) => named.length === 0 || named.includes(part),
		has: (word) => positionals.includes(word),
	};
}
