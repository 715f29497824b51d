/** One job, played stage by stage. What the real runner does is cited where it is done. */
import { randomBytes, randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, type Machine, NODE } from '../machine.ts';
import { type ActionFile, inputEnvironment, readActionFile } from './action-file.ts';
import { contextsOf, eventPayload, githubEnvironment, type JobIdentity, type JobPlace } from './contexts.ts';
import { createFiles, readFiles } from './file-commands.ts';
import { JobLog, Masks } from './job-log.ts';
import { type Leak, leaksInReadableFiles, leaksInStore, leaksInText } from './secrets.ts';
import { RUNNER_TIMES, type RunnerTimes, type RunningStage, startStage } from './stage.ts';
import type {
	Condition,
	JobOptions,
	JobResult,
	JobStatus,
	RunningJob,
	RunStep,
	StageKind,
	StageResult,
	Step,
	UsesStep,
} from './steps.ts';

/** One use of an action in a job: what the runner keeps for it from stage to stage. */
interface ActionUse {
	readonly step: UsesStep;
	readonly action: ActionFile;
	readonly id: string;
	readonly state: Record<string, string>;
	outputs: Readonly<Record<string, string>>;
	registered: boolean;
}

let jobs = 0;

/** Plays the steps of one job on a machine. */
export class Job implements RunningJob {
	readonly machine: Machine;
	readonly place: JobPlace;
	readonly #options: JobOptions;
	readonly #identity: JobIdentity;
	readonly #times: RunnerTimes;
	readonly #user: string;
	readonly #masks = new Masks();
	readonly #env: Record<string, string>;
	readonly #path: string[] = [];
	readonly #stages: StageResult[] = [];
	readonly #leaks: Leak[] = [];
	readonly #trackingId = `github_${randomUUID()}`;
	readonly #runtimeToken = randomBytes(24).toString('hex');
	readonly #startedMs = Date.now();
	readonly #folder: string;
	#running: { readonly process: RunningStage; readonly condition: Condition } | null = null;
	#status: JobStatus = 'success';

	constructor(machine: Machine, options: JobOptions) {
		this.machine = machine;
		this.#options = options;
		this.#times = { ...RUNNER_TIMES, ...options.times };
		this.#user = options.user ?? 'root';
		this.#env = { ...options.env };
		this.#identity = {
			event: options.event ?? 'push',
			ref: options.ref ?? null,
			serverUrl: options.serverUrl ?? 'https://github.com',
			workflow: options.workflow ?? 'CI',
			job: options.job ?? 'build',
			runId: String(1_000_000 + jobs),
			runAttempt: String(options.runAttempt ?? 1),
			token: `ghs_${randomBytes(27).toString('base64url').slice(0, 36)}`,
			matrix: options.matrix ?? {},
			jobIndex: options.jobIndex ?? 0,
		};
		for (const secret of this.#secrets()) this.#masks.add(secret);
		this.#folder = join(machine.work, `${options.folder ?? 'job'}-${++jobs}`);
		this.place = this.#makeFolders();
	}

	get status(): JobStatus {
		return this.#status;
	}

	get running(): RunningStage | null {
		return this.#running?.process ?? null;
	}

	get stages(): readonly StageResult[] {
		return this.#stages;
	}

	async cancel(): Promise<void> {
		this.#status = 'cancelled';
		if (this.#running && this.#running.condition !== 'always') await this.#running.process.cancel();
	}

	async play(steps: readonly Step[]): Promise<JobResult> {
		const actions = new Map<UsesStep, ActionUse>();
		for (const step of steps)
			if (typeof step !== 'function' && step.kind === 'uses') actions.set(step, this.#useAction(step, actions.size));
		for (const use of actions.values()) await this.#pre(use);
		for (const step of steps) {
			if (typeof step === 'function') {
				await step(this);
				continue;
			}
			if (!this.#holds(step.if ?? 'success')) continue;
			if (step.kind === 'run') await this.#runScript(step);
			else await this.#main(actions.get(step) ?? this.#useAction(step, actions.size));
		}
		for (const use of [...actions.values()].reverse()) await this.#post(use);
		return this.#end([...actions.values()]);
	}

	#useAction(step: UsesStep, index: number): ActionUse {
		const id = index === 0 ? '__octo_nix-cache-action' : `__octo_nix-cache-action_${index + 1}`;
		return { step, action: readActionFile(step.action ?? CHECKOUT), id, state: {}, outputs: {}, registered: false };
	}

	/** Runs for every action of a repository, also for a step whose `if` will be false, and registers the post. */
	async #pre(use: ActionUse): Promise<void> {
		if (use.action.pre === null || use.step.local) return;
		use.registered = true;
		await this.#actionStage(use, 'pre', use.action.pre, 'always');
	}

	async #main(use: ActionUse): Promise<void> {
		use.registered = true;
		const { outputs } = await this.#actionStage(use, 'main', use.action.main, use.step.if ?? 'success');
		use.outputs = outputs;
	}

	async #post(use: ActionUse): Promise<void> {
		if (use.registered && use.action.post !== null) await this.#actionStage(use, 'post', use.action.post, 'always');
	}

	/** NodeScriptActionHandler.cs: `node <script>` in the workspace. */
	async #actionStage(use: ActionUse, stage: StageKind, script: string, condition: Condition): Promise<StageResult> {
		const given = Object.fromEntries(
			Object.entries(use.step.with ?? {}).map(([name, value]) => [name, typeof value === 'string' ? value : value()]),
		);
		const inputs = inputEnvironment(use.action, given, contextsOf(this.#identity, this.#status));
		const unexpected = inputs.unexpected.map((name) => `Unexpected input(s) '${name}'`);
		const env = {
			ACTIONS_RUNTIME_URL: 'http://127.0.0.1:1/',
			ACTIONS_RUNTIME_TOKEN: this.#runtimeToken,
			...actionsVariables(this.#options.actions ?? {}),
			GITHUB_ACTION: use.id,
			GITHUB_ACTION_REF: use.step.local ? '' : 'v1',
			GITHUB_ACTION_REPOSITORY: use.step.local ? '' : 'octo/nix-cache-action',
			...inputs.env,
			...Object.fromEntries(Object.entries(use.state).map(([name, value]) => [`STATE_${name}`, value])),
		};
		const argv = [NODE, join(use.action.folder, script)];
		const result = await this.#stage(stage, use.step, use.step.name ?? 'action', argv, env, condition, unexpected);
		Object.assign(use.state, result.state);
		return result;
	}

	/** ScriptHandler.cs: the script in a file in RUNNER_TEMP, `bash -e`. No ACTIONS_* variables. */
	async #runScript(step: RunStep): Promise<void> {
		const file = join(this.place.temp, `${randomUUID()}.sh`);
		writeFileSync(file, step.script);
		this.#own(file);
		const argv = ['/usr/bin/bash', '-e', file];
		await this.#stage('run', step, step.name ?? 'run', argv, { GITHUB_ACTION: '__run' }, step.if ?? 'success', []);
		rmSync(file, { force: true });
	}

	async #stage(
		stage: StageKind,
		step: UsesStep | RunStep,
		name: string,
		argv: readonly string[],
		own: Readonly<Record<string, string>>,
		condition: Condition,
		notes: readonly string[],
	): Promise<StageResult> {
		const files = createFiles(this.place.temp, randomUUID(), (path) => this.#own(path));
		const env = { ...this.#environment(), ...step.env, ...githubEnvironment(this.#identity, this.place), ...own, ...files };
		const debug = this.#options.debug === true;
		const log = new JobLog(this.#masks, debug, (line) => this.#options.onLine?.(line, this));
		for (const note of notes) log.take(`::warning::${note}`);
		const command = {
			argv,
			env: { ...env, ...(debug ? { RUNNER_DEBUG: '1' } : {}) },
			cwd: this.place.workspace,
			user: this.#user,
			watch: this.#hasSecrets(),
		};
		const process = startStage(this.machine, command, this.#times, (line) => log.take(line));
		this.#running = { process, condition };
		const end = await process.end;
		this.#running = null;

		const commands = readFiles(files);
		for (const problem of commands.problems) log.addError(problem);
		const failed = end.exitCode !== 0 || commands.problems.length > 0;
		const conclusion = !failed ? 'success' : this.#status === 'cancelled' && condition !== 'always' ? 'cancelled' : 'failure';
		const { shown, raw, annotations, groups, problems } = log.finish();
		const result = {
			...end,
			...commands,
			stage,
			name,
			conclusion,
			log: shown.join('\n'),
			rawLog: raw.join('\n'),
			annotations,
			groups,
		} as const;
		this.#keep(result, step.continueOnError === true);
		if (this.#options.strict !== false) {
			if (end.pipesHeld)
				throw new Error(`${stage} left its pipes to another process: each such stage costs a job 5 s\n${result.log}`);
			if (problems.length > 0) throw new Error(`${stage}: ${problems.join(' ')}`);
		}
		return result;
	}

	#keep(result: StageResult, continueOnError: boolean): void {
		this.#stages.push(result);
		Object.assign(this.#env, result.env);
		this.#path.push(...result.path);
		if (result.conclusion === 'failure' && !continueOnError && this.#status === 'success') this.#status = 'failure';
		this.#leaks.push(...this.#leaksOf(result));
	}

	/** What all steps see: the runner's own, the job's, what earlier steps added. Later GITHUB_PATH lines come first. */
	#environment(): Record<string, string> {
		const { machine } = this;
		const path = [...this.#path]
			.reverse()
			.concat(machine.environment.PATH ?? '')
			.join(':');
		return {
			...machine.environment,
			HOME: machine.home(this.#user),
			USER: this.#user,
			...this.#env,
			PATH: path,
			RUNNER_TRACKING_ID: this.#trackingId,
		};
	}

	#holds(condition: Condition): boolean {
		return condition === 'always' || condition === this.#status;
	}

	/** FinalizeJob: orphans are killed, RUNNER_TEMP is emptied. */
	#end(actions: readonly ActionUse[]): JobResult {
		const reports = actions.flatMap(({ outputs }) => {
			const file = outputs.report;
			if (!file || !existsSync(file)) return [];
			const text = readFileSync(file, 'utf8');
			this.#leaks.push(...leaksInText(file, text, this.#secrets()));
			const report: unknown = JSON.parse(text);
			return [report];
		});
		if (this.#hasSecrets()) this.#leaks.push(...leaksInStore(this.machine, this.#secrets()));
		const orphans = this.#killOrphans();
		const leftovers = readdirSync(this.place.temp).filter((name) => !/^_runner_file_commands$|^_github_workflow$/.test(name));
		rmSync(this.place.temp, { recursive: true, force: true });
		const stages = this.#stages;
		return {
			status: this.#status,
			stages,
			log: stages.map((stage) => `==== ${stage.stage} ${stage.name} (${stage.conclusion})\n${stage.log}`).join('\n'),
			annotations: stages.flatMap(({ annotations }) => annotations),
			reports,
			orphans,
			leftovers,
			leaks: this.#leaks,
			stage: (kind, name) => onlyStage(stages, kind, name),
		};
	}

	/** JobExtension.cs: every process whose environment has this job's RUNNER_TRACKING_ID. */
	#killOrphans(): readonly string[] {
		return this.machine.processes().flatMap((pid) => {
			try {
				if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`RUNNER_TRACKING_ID=${this.#trackingId}`)) return [];
				const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
				process.kill(pid, 'SIGKILL');
				return [line];
			} catch {
				return []; // ended by itself
			}
		});
	}

	#secrets(): readonly string[] {
		return [...(this.#options.secrets ?? []), this.#identity.token, this.#runtimeToken].filter((secret) => secret !== '');
	}

	#hasSecrets(): boolean {
		return (this.#options.secrets ?? []).length > 0;
	}

	#leaksOf(result: StageResult): readonly Leak[] {
		if (!this.#hasSecrets()) return [];
		const secrets = this.#secrets();
		const { stage, name } = result;
		const texts: Readonly<Record<string, string>> = {
			log: result.rawLog,
			summary: result.summary,
			outputs: JSON.stringify(result.outputs),
			state: JSON.stringify(result.state),
			GITHUB_ENV: JSON.stringify([result.env, result.path]),
			'argument lists': result.commandLines.join('\n'),
		};
		const found = Object.entries(texts).flatMap(([what, text]) => leaksInText(`${what} of ${stage} ${name}`, text, secrets));
		return [...found, ...leaksInReadableFiles(this.machine, this.#folder, secrets, this.#startedMs)];
	}

	#makeFolders(): JobPlace {
		const repository = join(this.#folder, 'example');
		const place = {
			workspace: join(repository, 'example'),
			temp: join(this.#folder, '_temp'),
			// Stays on a self-hosted machine from job to job.
			toolCache: join(this.machine.work, '_tool'),
			eventPath: join(this.#folder, '_temp', '_github_workflow', 'event.json'),
		};
		const folders = [
			this.#folder,
			repository,
			place.workspace,
			place.temp,
			place.toolCache,
			join(place.temp, '_github_workflow'),
		];
		for (const folder of folders) {
			mkdirSync(folder, { recursive: folder === place.toolCache });
			this.#own(folder);
		}
		const files = { ...this.#options.workspace };
		for (const [path, text] of Object.entries(files)) {
			mkdirSync(join(place.workspace, path, '..'), { recursive: true });
			writeFileSync(join(place.workspace, path), text);
			this.#own(join(place.workspace, path));
		}
		writeFileSync(place.eventPath, JSON.stringify(eventPayload(this.#identity.event), null, 2));
		this.#own(place.eventPath);
		return place;
	}

	#own(path: string): void {
		if (this.#user === 'root') return;
		const { uid } = this.machine.user(this.#user);
		chownSync(path, uid, uid);
	}
}

function onlyStage(stages: readonly StageResult[], kind: StageKind, name?: string): StageResult {
	const found = stages.filter((stage) => stage.stage === kind && (name === undefined || stage.name === name));
	const [first] = found;
	if (first && found.length === 1) return first;
	const all = stages.map((stage) => `${stage.stage} ${stage.name}`).join(', ');
	throw new Error(`there are ${found.length} stages ${kind} ${name ?? ''}; the job had: ${all}`);
}

function actionsVariables(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
	return Object.fromEntries(Object.entries(variables).filter(([name]) => name.startsWith('ACTIONS_')));
}
