/** One command of the command line: what its arguments are and what people are told of it. Help, documentation and completion are made from this. */
export interface Command {
	readonly name: string;
	/** One line without a full stop. */
	readonly summary: string;
	readonly operands: readonly Operand[];
	readonly options: readonly Option[];
	readonly variables: readonly Variable[];
	/** Paragraphs. */
	readonly description: readonly string[];
	/** What `--json` prints; one sentence. */
	readonly json: string | null;
	readonly exits: readonly Exit[];
	/** Lines for a shell. */
	readonly examples: readonly string[];
}

export interface Operand {
	readonly name: string;
	readonly meaning: string;
	/** How many of them there may be. */
	readonly count: 'one' | 'optional' | 'many' | 'any';
	readonly completes?: 'files' | readonly string[];
}

export interface Option {
	readonly name: string;
	readonly short?: string;
	/** What stands for its value in the help; `null`: it is on or off. */
	readonly value: string | null;
	readonly meaning: string;
	readonly repeats?: boolean;
	readonly choices?: readonly string[];
	readonly completes?: 'files';
	/** What counts when it is not given. */
	readonly default?: string;
	/** The input of the action that it is. */
	readonly input?: string;
}

/** An environment variable. */
export interface Variable {
	readonly name: string;
	readonly meaning: string;
	/** The input of the action that it is. */
	readonly input: string;
}

export interface Exit {
	readonly status: number;
	readonly meaning: string;
}

/** What a command was given. */
export interface Arguments {
	readonly operands: readonly string[];
	/** By name of the option, without the hyphens; as often as it was given. */
	readonly values: ReadonlyMap<string, readonly string[]>;
	/** Options that are on. */
	readonly switches: ReadonlySet<string>;
}

/** The value of an option that was given at most once, or its default; `null` without either. */
export function optionValue({ options }: Command, { values }: Arguments, name: string): string | null {
	return values.get(name)?.at(-1) ?? options.find((option) => option.name === name)?.default ?? null;
}
