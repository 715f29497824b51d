/** The cache service in a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { CacheServiceControl, CacheServiceOptions } from '../cache-service.ts';

export const CONTROLS = [
	'environment',
	'entries',
	'evict',
	'inject',
	'clearFaults',
	'expireUrls',
	'setVisibleAfterMs',
	'setUrlLifetimeMs',
	'counters',
	'calls',
	'resetCounters',
	'violations',
	'overwrite',
] as const satisfies readonly (keyof CacheServiceControl)[];

type Remote = {
	readonly [Name in keyof CacheServiceControl]: (
		...args: Parameters<CacheServiceControl[Name]>
	) => Promise<Awaited<ReturnType<CacheServiceControl[Name]>>>;
};

export interface RemoteCacheService extends Remote, AsyncDisposable {
	readonly url: string;
	stop(): Promise<void>;
}

/** Starts `program.ts` and waits until it serves. It ends with `stop`, or with this process. */
export async function spawnCacheService(options: CacheServiceOptions = {}): Promise<RemoteCacheService> {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'program.ts'), JSON.stringify(options)], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
	const line = await new Promise<string>((resolve, reject) => {
		let output = '';
		child.stdout.on('data', (chunk: Buffer) => {
			output += chunk.toString();
			if (output.includes('\n')) resolve(output);
		});
		child.once('error', reject);
		child.once('close', (code) => reject(new Error(`the cache service ended with status ${code}`)));
	});
	const { url, control }: { url: string; control: string } = JSON.parse(line);
	const stop = async () => {
		child.stdin.end();
		await ended;
	};
	const call = async (name: string, args: readonly unknown[]): Promise<unknown> => {
		const answer = await fetch(control, { method: 'POST', body: JSON.stringify({ call: name, args }) });
		const { result, error }: { result?: unknown; error?: string } = JSON.parse(await answer.text());
		if (error !== undefined) throw new Error(error);
		return result;
	};
	const calls = CONTROLS.map((name) => [name, (...args: readonly unknown[]) => call(name, args)]);
	return { ...(Object.fromEntries(calls) as Remote), url, stop, [Symbol.asyncDispose]: stop };
}
