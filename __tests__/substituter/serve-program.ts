/**
 * A background process for the tests: what `dist/serve.js` does, over a reader in memory.
 *
 *     node serve-program.ts <folder>
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DaemonTimes, runDaemon } from '../../src/substituter/run-daemon.ts';
import { memoryReader } from './memory-reader.ts';
import { STORE_DIR, someBytes, storedNar } from './paths.ts';

/** What the tests hand over. */
export interface Orders {
	readonly trouble?: 'dies' | 'hangs' | 'blocks' | 'surprises' | 'fragile' | 'slow' | 'late' | undefined;
	readonly secret?: string;
}

function say(message: string): void {
	process.stdout.write(`${message}\n`);
}

const log = {
	debug: say,
	info: say,
	notice: say,
	warning: say,
	error: say,
	group: <T>(_title: string, body: () => Promise<T>) => body(),
	mask: () => undefined,
};

/** The thread is busy for ever: no signal is handled. */
function block(): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const folder = process.argv[2] ?? '';
const times: Partial<DaemonTimes> = JSON.parse(process.env.DAEMON_TIMES ?? '{}');
await runDaemon({
	folder,
	log,
	times,
	async open(handover) {
		const { trouble }: Orders = JSON.parse(JSON.stringify(handover));
		if (trouble === 'dies') throw new Error('the cache is on fire');
		if (trouble === 'hangs') await new Promise((resolve) => setTimeout(resolve, 600_000));
		if (trouble === 'fragile' && existsSync(join(folder, 'serve-statistics.json'))) process.exit(0);
		if (trouble === 'late' && existsSync(join(folder, 'serve-statistics.json'))) {
			say('opening late');
			await sleep(500);
		}
		const reader = memoryReader([storedNar('hello', someBytes(100_000, 'hello'))]);
		if (trouble === 'slow') reader.chunkWeather = () => sleep(100);
		if (trouble === 'blocks') reader.narInfoWeather = block;
		if (trouble === 'surprises') {
			reader.narInfoWeather = () => {
				setImmediate(() => {
					throw new Error('nobody expected this');
				});
				void Promise.reject(new Error('nor this'));
			};
		}
		return { mounts: [{ name: '', reader, priority: 35 }], storeDir: STORE_DIR };
	},
}).catch((error: unknown) => {
	say(`serve: ${error instanceof Error ? error.message : String(error)}`);
	process.exitCode = 1;
});
// What hangs is the test's own: `src/` has closed all that is its.
process.exit();
