import { access, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity } from '../background/process-identity.ts';
import { CacheError, systemCode } from '../errors.ts';
import type { Credentials } from './credentials.ts';
import { parseStatistics, type SubstituterStatistics } from './statistics.ts';

/** What the background process is given, by a file: arguments and environments can be seen by others. */
export interface DaemonOrders {
	readonly credentials: Credentials;
	/** Where the URL's path begins. */
	readonly prefix: string;
	/** A JSON value for the one who opens the cache. */
	readonly handover: unknown;
}

/** Where a running background process is: the keeper, unless it is dead. No secret in it. */
export interface DaemonAddress extends ProcessIdentity {
	/** The one that serves. */
	readonly worker: ProcessIdentity;
	readonly port: number;
	/** Without credentials. */
	readonly url: string;
}

const ORDERS = 'serve-orders.json';
const ADDRESS = 'serve.json';
const LOG = 'serve.log';
const STATISTICS = 'serve-statistics.json';

export async function folderExists(folder: string): Promise<boolean> {
	return access(folder).then(
		() => true,
		() => false,
	);
}

export function logFile(folder: string): string {
	return join(folder, LOG);
}

/** @throws CacheError `disk-full`, `file-failed` */
export async function writeOrders(folder: string, orders: DaemonOrders): Promise<void> {
	await writePrivately(join(folder, ORDERS), { version: 1, ...orders });
}

/** Reads the orders and removes them. @throws CacheError `file-failed`, `state-invalid` */
export async function takeOrders(folder: string): Promise<DaemonOrders> {
	const file = join(folder, ORDERS);
	const fields = await readFields(file);
	await rm(file, { force: true });
	const orders = fields === null ? null : parseOrders(Object.fromEntries(fields));
	if (orders === null) throw new CacheError('state-invalid', `There is nothing to serve: ${file} is missing or not ours.`);
	return orders;
}

export async function removeOrders(folder: string): Promise<void> {
	await rm(join(folder, ORDERS), { force: true });
}

/** @throws CacheError `disk-full`, `file-failed` */
export async function writeAddress(folder: string, address: DaemonAddress): Promise<void> {
	await writePrivately(join(folder, ADDRESS), { version: 1, ...address });
}

/** Where the background process of this folder is or was; `null` when there was none. */
export async function readAddress(folder: string): Promise<DaemonAddress | null> {
	const fields = await readFields(join(folder, ADDRESS));
	const main = fields === null ? null : identityIn(fields);
	const worker = identityIn(mapOf(fields?.get('worker')));
	const [port, url] = [fields?.get('port'), fields?.get('url')];
	if (main === null || worker === null || !isCount(port) || typeof url !== 'string') return null;
	return { ...main, worker, port, url };
}

export async function removeAddress(folder: string): Promise<void> {
	await rm(join(folder, ADDRESS), { force: true });
}

/** @throws CacheError `disk-full`, `file-failed` */
export async function writeStatistics(folder: string, statistics: SubstituterStatistics): Promise<void> {
	await writePrivately(join(folder, STATISTICS), statistics);
}

/** What the substituter of this folder did, up to some seconds ago; `null` when it wrote nothing. */
export async function readStatistics(folder: string): Promise<SubstituterStatistics | null> {
	const text = await readFile(join(folder, STATISTICS), 'utf8').catch(() => null);
	return text === null ? null : parseStatistics(text);
}

/** Only this user can read it, and whoever does sees the old text or the new one. The folder is not made again when it is gone. */
async function writePrivately(file: string, value: object): Promise<void> {
	try {
		await rm(`${file}.new`, { force: true });
		await writeFile(`${file}.new`, JSON.stringify(value), { mode: 0o600, flag: 'wx' });
		await rename(`${file}.new`, file);
	} catch (cause) {
		const code = systemCode(cause) ?? 'unknown';
		throw new CacheError(code === 'ENOSPC' ? 'disk-full' : 'file-failed', `${file} can't be written (${code}).`, { cause });
	}
}

/** The fields of a JSON object of version 1 or of none; `null` when there is no such thing. */
async function readFields(file: string): Promise<ReadonlyMap<string, unknown> | null> {
	const text = await readFile(file, 'utf8').catch(() => null);
	if (text === null) return null;
	try {
		const fields = mapOf(JSON.parse(text));
		return fields.get('version') === 1 ? fields : null;
	} catch {
		return null;
	}
}

function mapOf(value: unknown): ReadonlyMap<string, unknown> {
	return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function identityIn(fields: ReadonlyMap<string, unknown>): ProcessIdentity | null {
	const [pid, startTime] = [fields.get('pid'), fields.get('startTime')];
	// A pid of 0 or below would mean groups of processes, 1 is the system's.
	return isCount(pid) && pid > 1 ? { pid, startTime: typeof startTime === 'string' ? startTime : null } : null;
}

/** From another process of ours. */
export function parseOrders(value: unknown): DaemonOrders | null {
	const fields = mapOf(value);
	const [credentials, prefix] = [fields.get('credentials'), fields.get('prefix')];
	return isCredentials(credentials) && typeof prefix === 'string'
		? { credentials, prefix, handover: fields.get('handover') }
		: null;
}

function isCredentials(value: unknown): value is Credentials {
	if (typeof value !== 'object' || value === null) return false;
	return 'username' in value && typeof value.username === 'string' && 'password' in value && typeof value.password === 'string';
}

function isCount(value: unknown): value is number {
	return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
