import { join } from 'node:path';
import { openJournal } from '../../src/hook/journal.ts';
import type { Configuration } from '../../src/setup/configuration.ts';
import { readOutputPaths } from '../../src/store/derivation-outputs.ts';
import type { Finished } from '../support/child.ts';
import { derivation } from '../support/derivations.ts';
import { type Machine, NODE } from '../support/machine.ts';
import type { Answer, Ask } from './in-machine.ts';

const program = join(import.meta.dirname, 'in-machine.ts');

/** A user's job with the post-build hook: what main does at its start, builds, what the journal then has, and what post undoes. */
export class HookJob {
	readonly machine: Machine;
	readonly user: string;
	/** What later steps have. */
	env: Readonly<Record<string, string>>;
	readonly folder: string;
	readonly #id: string;
	#journal: string | null = null;
	#configuration: Configuration | null = null;

	constructor(machine: Machine, user: string, env: Readonly<Record<string, string>> = {}, id = 'a') {
		this.machine = machine;
		this.user = user;
		this.env = env;
		this.#id = id;
		this.folder = `/tmp/${user}-${id}`;
	}

	async ask(ask: Ask): Promise<Answer> {
		const input = JSON.stringify(ask);
		const answer: Answer = JSON.parse(await this.machine.run([NODE, program], { input, user: this.user, env: this.env }));
		this.env = { ...this.env, ...answer.exported };
		if (answer.error !== null) throw new Error(JSON.stringify(answer));
		return answer;
	}

	/** Installs the hook; the answer says why not, where it can't be. */
	async start({ isShared = false } = {}): Promise<Answer> {
		const answer = await this.ask({ call: 'hook', use: { id: this.#id, folder: this.folder }, isShared });
		this.#journal = answer.hook?.journal ?? null;
		this.#configuration = answer.configuration ?? null;
		return answer;
	}

	async end(): Promise<void> {
		if (this.#configuration === null) throw new Error('not started');
		await this.ask({ call: 'undo', use: { id: this.#id, folder: this.folder }, previous: this.#configuration });
		await this.machine.run(['rm', '-rf', this.folder]);
	}

	build(expression: string, ...attributes: readonly string[]): Promise<Finished> {
		const argv = ['nix-build', '--no-out-link', '-E', expression, ...attributes.flatMap((name) => ['-A', name])];
		return this.machine.exec(argv, { user: this.user, env: this.env, timeoutMs: 120_000 });
	}

	/** Names of what this job would push, when the store had `before` at its start and the job made its links in its home. */
	async roots(before: readonly string[], isShared: boolean): Promise<readonly string[]> {
		const folders = [this.machine.home(this.user)];
		const { roots = [] } = await this.ask({ call: 'roots', journal: this.#journal, before, isShared, folders });
		return roots
			.map((path) => path.slice(this.machine.storeDir.length + 34))
			.filter((name) => !name.endsWith('.drv'))
			.sort();
	}

	/** From outside. */
	get journal(): string {
		if (this.#journal === null) throw new Error('there is no hook');
		return this.machine.outside(this.#journal);
	}

	/** Names of the outputs in the journal, without their hashes, in the order of the builds. */
	async built(): Promise<readonly string[]> {
		const { storeDir, storeFolder } = this.machine;
		const realPath = (path: string): string => join(storeFolder, path.slice(storeDir.length));
		const outputsOf = (drvPath: string) => readOutputPaths({ realPath }, drvPath);
		const journal = await openJournal({ file: this.journal, stateFile: null, storeDir, outputsOf });
		const { records } = await journal.read();
		return records.flatMap(({ outPaths }) => outPaths.map((path) => path.slice(storeDir.length + 34)).sort());
	}
}

/** One small build. */
export const one = (name: string): string => derivation({ name, script: 'echo $name > $out' });
