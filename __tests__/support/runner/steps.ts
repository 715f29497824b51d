/** The steps of a job, and what is known of it while it runs and when it has ended. */
import type { Machine } from '../machine.ts';
import type { EventName, JobPlace } from './contexts.ts';
import type { FileCommands } from './file-commands.ts';
import type { Annotation } from './job-log.ts';
import type { Leak } from './secrets.ts';
import type { RunnerTimes, RunningStage, StageEnd } from './stage.ts';

export type JobStatus = 'success' | 'failure' | 'cancelled';
export type Condition = 'success' | 'always' | 'failure' | 'never';
export type StageKind = 'pre' | 'main' | 'post' | 'run';

export interface StepOptions {
	/** To find the step's results by; `action` and `run` when not said. */
	readonly name?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly if?: Condition;
	readonly continueOnError?: boolean;
}

export interface UsesOptions extends StepOptions {
	/** Inputs. A function is asked in every stage, as an expression is evaluated in every stage. */
	readonly with?: Readonly<Record<string, string | (() => string)>>;
	/** `uses: ./`: no pre. */
	readonly local?: boolean;
	/** The folder with action.yml; this checkout when not said. */
	readonly action?: string;
}

export interface UsesStep extends UsesOptions {
	readonly kind: 'uses';
}
export interface RunStep extends StepOptions {
	readonly kind: 'run';
	readonly script: string;
}
/** A step of the test itself, between those of the job. */
export type TestStep = (job: RunningJob) => Promise<void> | void;
export type Step = UsesStep | RunStep | TestStep;

export interface JobOptions {
	readonly user?: string;
	readonly event?: EventName;
	/** The job's `env:` and what the runner's own environment has beside PATH and HOME. */
	readonly env?: Readonly<Record<string, string>>;
	/** `secrets.*` of the workflow: masked from the start, and looked for everywhere (`assertNoSecrets`). */
	readonly secrets?: readonly string[];
	/** Files that a checkout would have brought: path in the workspace to content. */
	readonly workspace?: Readonly<Record<string, string>>;
	/** How the name of the runner's folder begins; `job` if not said. */
	readonly folder?: string;
	readonly workflow?: string;
	readonly job?: string;
	readonly matrix?: Readonly<Record<string, string>>;
	readonly jobIndex?: number;
	readonly runAttempt?: number;
	/** The runner's debug switch. */
	readonly debug?: boolean;
	/** Shorter times than the runner's own. */
	readonly times?: Partial<RunnerTimes>;
	/** ACTIONS_* variables of action steps, such as a cache service's `environment()`; without, a token, and no cache service at all. */
	readonly actions?: Readonly<Record<string, string>>;
	/** The ref that the job runs for; by its event if not said. */
	readonly ref?: string;
	/** GITHUB_SERVER_URL; github.com if not said. */
	readonly serverUrl?: string;
	/** Every line that people would see, at once. */
	readonly onLine?: (line: string, job: RunningJob) => void;
	/** Also fail on what works but costs people something: pipes held open after a stage, disabled commands. True if not said. */
	readonly strict?: boolean;
}

export interface StageResult extends StageEnd, FileCommands {
	readonly stage: StageKind;
	readonly name: string;
	readonly conclusion: JobStatus;
	/** As people see it, secrets replaced. */
	readonly log: string;
	/** As printed, but for `::add-mask::` lines. */
	readonly rawLog: string;
	readonly annotations: readonly Annotation[];
	readonly groups: readonly string[];
}

export interface JobResult {
	readonly status: JobStatus;
	/** Every stage that had a process, in the order in which they ran. */
	readonly stages: readonly StageResult[];
	/** All logs, with a heading for each stage. */
	readonly log: string;
	readonly annotations: readonly Annotation[];
	/** What action steps left in the file that their output `report` names, parsed. */
	readonly reports: readonly unknown[];
	/** Command lines of processes that were still there at the end of the job, and were killed. */
	readonly orphans: readonly string[];
	/** What was left in RUNNER_TEMP before it was wiped, without the runner's own. */
	readonly leftovers: readonly string[];
	readonly leaks: readonly Leak[];
	/** The result of a stage. Throws when there is none or more than one. */
	readonly stage: (kind: StageKind, name?: string) => StageResult;
}

/** A job that is being played, as the test's own steps and `onLine` get it. */
export interface RunningJob {
	readonly machine: Machine;
	readonly place: JobPlace;
	readonly status: JobStatus;
	/** The process that runs now, to send it a signal. */
	readonly running: RunningStage | null;
	/** Stages that have ended so far. */
	readonly stages: readonly StageResult[];
	/**
	 * Someone cancels the workflow run: the running process gets SIGINT, SIGTERM, SIGKILL unless its condition is `always`
	 * (StepsRunner.cs, ProcessInvoker.cs), later steps run only with `always`, and posts do.
	 */
	readonly cancel: () => Promise<void>;
}
