import { readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackFindings } from '../backends/actions-cache/packs.ts';
import type { ProcessIdentity } from '../background/process-identity.ts';
import { CacheError } from '../errors.ts';
import type { Report, ReportServed } from '../report/report.ts';
import { writePrivateFile } from '../setup/private-file.ts';
import type { State } from '../state.ts';

/** What main hands to the process that pushes while the job runs. It holds secrets. */
export interface PusherOrders {
	readonly version: 1;
	readonly inputs: Readonly<Record<string, string>>;
	readonly state: State;
}

/** The two processes that push: the keeper, and the one that does the work now. */
export interface PusherIdentity extends ProcessIdentity {
	readonly worker: ProcessIdentity;
}

/** What post hands to it: push the rest, and end. It holds secrets. */
export interface FinishOrder {
	readonly version: 1;
	/** The variables for AWS, as the steps of the job left them: keys that ran out may have been renewed. */
	readonly aws: Readonly<Record<string, string>>;
	/** How long it may take. */
	readonly timeoutMs: number;
	/** What the job read from the Actions cache. */
	readonly used: readonly string[];
	readonly packFindings: PackFindings;
	readonly served: readonly ReportServed[];
	readonly errors: Readonly<Record<string, number>>;
}

/** Those of an environment whose names begin with `AWS_`. */
export function awsVariables(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
	return Object.fromEntries(
		Object.entries(env).flatMap(([name, value]) => (name.startsWith('AWS_') && value !== undefined ? [[name, value]] : [])),
	);
}

/** One line of the file in which it writes down what is up. */
export interface DoneLine {
	/** Index of the target. */
	readonly target: number;
	readonly path: string;
	readonly sentBytes: number;
}

/** Files of the pusher, in a folder of its own (0700). */
export function pusherFiles(folder: string) {
	return {
		orders: join(folder, 'orders.json'),
		identity: join(folder, 'pusher.json'),
		finish: join(folder, 'finish.json'),
		report: join(folder, 'report.json'),
		done: join(folder, 'done'),
		journalOffset: join(folder, 'journal-offset.json'),
		log: join(folder, 'log'),
		held: join(folder, 'held'),
	};
}

/** Reads the orders and removes them. Who takes them has them alone. @throws CacheError `state-invalid` */
export async function takeOrders(folder: string): Promise<PusherOrders> {
	const { orders } = pusherFiles(folder);
	const taken = `${orders}.taken`;
	await rename(orders, taken).catch(() => undefined);
	const read = await readJson(taken, isOrders);
	await rm(taken, { force: true });
	if (read === null) throw new CacheError('state-invalid', `There is nothing to push: ${orders} is missing or not ours.`);
	return read;
}

/** Takes the orders back; whether nobody had taken them. */
export async function retractOrders(folder: string): Promise<boolean> {
	return unlink(pusherFiles(folder).orders).then(
		() => true,
		() => false,
	);
}

/** What the keeper hands to its worker. @throws CacheError `state-invalid` */
export function asPusherOrders(value: unknown): PusherOrders {
	if (isOrders(value)) return value;
	throw new CacheError('state-invalid', 'What the pusher was handed is of another version.');
}

export async function writeJson(file: string, value: PusherOrders | FinishOrder | PusherIdentity | Report): Promise<void> {
	await writePrivateFile(file, JSON.stringify(value));
}

export const readIdentity = (folder: string): Promise<PusherIdentity | null> =>
	readJson(pusherFiles(folder).identity, isIdentity);
export const readFinishOrder = (folder: string): Promise<FinishOrder | null> =>
	readJson(pusherFiles(folder).finish, isFinishOrder);
export const readReport = (folder: string): Promise<Report | null> => readJson(pusherFiles(folder).report, isReport);

/** What it wrote down, by target; a line that was cut off is left out. */
export async function readDone(folder: string): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
	const text = await readFile(pusherFiles(folder).done, 'utf8').catch(() => '');
	const done = new Map<number, Map<string, number>>();
	for (const line of text.split('\n')) {
		const [, target, sentBytes, path] = /^(\d{1,4}) (\d{1,15}) (\/.+)$/.exec(line) ?? [];
		if (path === undefined) continue;
		const paths = done.get(Number(target)) ?? new Map<string, number>();
		done.set(Number(target), paths.set(path, Number(sentBytes)));
	}
	return done;
}

export function formatDone({ target, path, sentBytes }: DoneLine): string {
	return `${target} ${sentBytes} ${path}\n`;
}

/** `null` when it is not there, or none of this version's. */
async function readJson<T>(file: string, is: (value: unknown) => value is T): Promise<T | null> {
	try {
		const value: unknown = JSON.parse(await readFile(file, 'utf8'));
		return is(value) ? value : null;
	} catch {
		return null;
	}
}

function has<Name extends string>(value: unknown, ...names: readonly Name[]): value is Record<Name, unknown> {
	return typeof value === 'object' && value !== null && names.every((name) => name in value);
}

// Each is written by this very version, so the version and the names of its fields tell it from anything else.
function isOrders(value: unknown): value is PusherOrders {
	return has(value, 'version', 'inputs', 'state') && value.version === 1;
}

function isFinishOrder(value: unknown): value is FinishOrder {
	return has(value, 'version', 'aws', 'timeoutMs', 'used', 'packFindings', 'served', 'errors') && value.version === 1;
}

function isIdentity(value: unknown): value is PusherIdentity {
	return has(value, 'pid', 'startTime', 'worker') && typeof value.pid === 'number' && has(value.worker, 'pid', 'startTime');
}

function isReport(value: unknown): value is Report {
	return has(value, 'version', 'caches', 'served', 'warnings') && value.version === 1;
}
