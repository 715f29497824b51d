import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { constants, createBrotliCompress } from 'node:zlib';
import type { Compression } from '../backends/backend.ts';
import { CacheError, isCacheError, systemCode } from '../errors.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Raw frames in, compressed bytes out, in the same order. */
export interface Encoder {
	/** Resolves when `frame` has been used and its bytes may be overwritten. Calls need not wait for each other. */
	write(frame: Uint8Array): Promise<void>;
	/** Resolves when all output has been handed on. */
	finish(): Promise<void>;
	/** Ends without output. Pending writes may reject. */
	abort(): void;
}

/** Where the compressed bytes go; they may be overwritten once it resolves. */
export type Sink = (bytes: Uint8Array) => Promise<void>;

/**
 * Level 2 of zstd takes two thirds of the time of Nix's level 3 for 5 % more bytes (level 1: little less time, 13 % more). Nix's own level
 * for xz; brotli's highest, which is what Node takes otherwise, does 1 MB/s.
 */
export const DEFAULT_LEVELS: Readonly<Record<Compression, number>> = { zstd: 2, gzip: 6, br: 5, xz: 6, none: 0 };

export function createEncoder(compression: Compression, level: number, pool: WorkerPool, sink: Sink): Encoder {
	switch (compression) {
		case 'zstd':
		case 'gzip':
			return inFrames((frame) => pool.run({ kind: compression, level, frame }), sink);
		case 'none':
			return inFrames(async (frame) => frame, sink);
		case 'br': {
			const brotli = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: level } });
			return throughStream(brotli, brotli, sink, async () => {});
		}
		case 'xz':
			return throughXz(level, pool.size, sink);
	}
}

/**
 * Each frame for itself, joined in order: both formats allow members one after another (RFC 8878 section 3.1, RFC 1952 section 2.2),
 * and Nix's readers take them.
 */
function inFrames(compress: (frame: Uint8Array) => Promise<Uint8Array>, sink: Sink): Encoder {
	let last: Promise<void> = Promise.resolve();
	return {
		write(frame) {
			const before = last;
			const compressed = compress(frame);
			last = Promise.all([before, compressed]).then(async ([, bytes]) => {
				await sink(bytes);
				if (bytes !== frame && bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
			});
			return last;
		},
		finish: () => last,
		abort() {
			last.catch(() => {});
		},
	};
}

function throughStream(input: Writable, output: Readable, sink: Sink, ended: () => Promise<void>): Encoder {
	const drained = drain(output, sink);
	// Seen by `finish`, or of no interest after `abort`.
	drained.catch((error: unknown) => input.destroy(error instanceof Error ? error : undefined));
	return {
		write: (frame) =>
			new Promise((resolve, reject) => {
				// A sink that fails ends the stream: its own error says no more than that, and none comes for a write that waits for the output to be taken.
				drained.catch(reject);
				input.write(frame, (error) => (error ? drained.then(() => reject(error), reject) : resolve()));
			}),
		async finish() {
			input.end();
			await drained;
			await ended();
		},
		abort() {
			input.destroy();
			output.destroy();
		},
	};
}

async function drain(output: Readable, sink: Sink): Promise<void> {
	for await (const bytes of output) await sink(bytes);
}

/** Node has no xz, so the program does it. */
function throughXz(level: number, threads: number, sink: Sink): Encoder {
	const child = spawn('xz', ['--compress', '--stdout', `-${level}`, `--threads=${threads}`], {
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const failed = (error: unknown) =>
		systemCode(error) === 'ENOENT'
			? new CacheError('input-invalid', '`compression` is `xz`, but the program `xz` is not there.', {
					hint: 'Install it (Debian: `apt-get install xz-utils`), or use `compression: zstd`.',
				})
			: new CacheError('internal', 'The program `xz` failed.', { cause: error });
	const ended = once(child, 'close').then(
		([code]) => {
			if (code !== 0) throw failed(new Error(`exit code ${code}`));
		},
		(error) => {
			throw failed(error);
		},
	);
	ended.catch(() => {});
	// A broken pipe says less than the end of the program does.
	child.stdin.on('error', () => {});
	const encoder = throughStream(child.stdin, child.stdout, sink, () => ended);
	return {
		...encoder,
		write: (frame) =>
			encoder.write(frame).catch((error: unknown) => {
				if (isCacheError(error)) throw error;
				return ended.then(() => Promise.reject(failed(new Error('it ended early'))));
			}),
		abort() {
			encoder.abort();
			child.kill('SIGKILL');
		},
	};
}
