import { CacheError } from '../errors.ts';
import { ALIGNMENT, NAR_MAX_DEPTH, NAR_MAX_NAME_BYTES, NAR_MAX_TARGET_BYTES, padding } from './nar.ts';
import { quote } from './quote.ts';

/** What `readNar` hands out, in the order of the archive. Names are those within the directory, `null` for the root. */
export type NarEvent =
	| { readonly kind: 'directory'; readonly name: Buffer | null }
	/** Ends the directory that was opened last. */
	| { readonly kind: 'directory-end' }
	/** As many `contents` events follow as it takes to make up `sizeBytes`; none for an empty file. */
	| { readonly kind: 'regular'; readonly name: Buffer | null; readonly executable: boolean; readonly sizeBytes: number }
	/** A view of a chunk of the input: valid until the next event is asked for. */
	| { readonly kind: 'contents'; readonly bytes: Buffer }
	| { readonly kind: 'symlink'; readonly name: Buffer | null; readonly target: Buffer };

export interface NarLimits {
	/** A node has fewer components than this between itself and the root. */
	readonly maxDepth: number;
	readonly maxNameBytes: number;
	readonly maxTargetBytes: number;
	/** What to do with bytes after the archive; Nix ignores them. */
	readonly trailingBytes: 'refuse' | 'ignore';
}

export const NAR_LIMITS: NarLimits = {
	maxDepth: NAR_MAX_DEPTH,
	maxNameBytes: NAR_MAX_NAME_BYTES,
	maxTargetBytes: NAR_MAX_TARGET_BYTES,
	trailingBytes: 'refuse',
};

/** The longest token of the format has 13 bytes; a few more make for better messages. */
const MAX_TOKEN_BYTES = 32;

const NUL = 0;
const SLASH = 0x2f;

/** Bytes by count out of chunks of any size. Holds one chunk at a time. */
class NarInput {
	readonly #chunks: AsyncIterator<Uint8Array>;
	#chunk: Buffer = Buffer.alloc(0);
	/** Where the next byte is, in the chunk and in the archive. */
	#at = 0;
	#position = 0;

	constructor(chunks: AsyncIterable<Uint8Array>) {
		this.#chunks = chunks[Symbol.asyncIterator]();
	}

	fail(problem: string): CacheError {
		return new CacheError('format-invalid', `The NAR is not valid at byte ${this.#position}: ${problem}.`);
	}

	/** Whether there is nothing more to read. */
	async ended(): Promise<boolean> {
		while (this.#at === this.#chunk.length) {
			const next = await this.#chunks.next();
			if (next.done === true) return true;
			this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
			this.#at = 0;
		}
		return false;
	}

	/** At least one and at most `limit` bytes, without copying. */
	async some(limit: number): Promise<Buffer> {
		if (this.#at === this.#chunk.length && (await this.ended())) throw this.fail('it ends too early');
		return this.#view(Math.min(limit, this.#chunk.length - this.#at));
	}

	/** Exactly `count` bytes, copied only when they lie in several chunks. For small, bounded counts. */
	async exactly(count: number): Promise<Buffer> {
		if (this.#chunk.length - this.#at >= count) return this.#view(count);
		const bytes = Buffer.alloc(count);
		for (let filled = 0; filled < count; ) {
			const part = await this.some(count - filled);
			part.copy(bytes, filled);
			filled += part.length;
		}
		return bytes;
	}

	async size(): Promise<number> {
		const bytes = await this.exactly(ALIGNMENT);
		const size = bytes.readUInt32LE(4) * 2 ** 32 + bytes.readUInt32LE(0);
		if (!Number.isSafeInteger(size)) throw this.fail('a length is beyond 2^53');
		return size;
	}

	async padding(sizeBytes: number): Promise<void> {
		const zeros = padding(sizeBytes);
		if (!(await this.exactly(zeros.length)).equals(zeros)) throw this.fail('padding is not zero');
	}

	/** A string of at most `limit` bytes, in memory of its own. */
	async string(limit: number, what: string): Promise<Buffer> {
		const length = await this.size();
		if (length > limit) throw this.fail(`${what} has ${length} bytes, more than ${limit}`);
		const bytes = Buffer.from(await this.exactly(length));
		await this.padding(length);
		return bytes;
	}

	async token(): Promise<string> {
		return (await this.string(MAX_TOKEN_BYTES, 'a token')).toString('latin1');
	}

	async expect(...tokens: readonly string[]): Promise<void> {
		for (const expected of tokens) {
			const found = await this.token();
			if (found !== expected) throw this.fail(`expected ${quote(expected)}, found ${quote(found)}`);
		}
	}

	async close(): Promise<void> {
		await this.#chunks.return?.();
	}

	#view(count: number): Buffer {
		const bytes = this.#chunk.subarray(this.#at, this.#at + count);
		this.#at += count;
		this.#position += count;
		return bytes;
	}
}

/** The name of an entry, after its token `entry`. `previous` is that of the entry before. */
async function readEntryName(input: NarInput, previous: Buffer | null, limits: NarLimits): Promise<Buffer> {
	await input.expect('(', 'name');
	const name = await input.string(limits.maxNameBytes, 'a name');
	const shown = quote(name.toString());
	if (name.length === 0) throw input.fail('a name is empty');
	if (name.includes(NUL) || name.includes(SLASH)) throw input.fail(`the name ${shown} has a slash or NUL in it`);
	if (name.equals(Buffer.from('.')) || name.equals(Buffer.from('..'))) throw input.fail(`an entry has the name ${shown}`);
	if (previous !== null && Buffer.compare(previous, name) >= 0) {
		throw input.fail(`the name ${shown} is not after ${quote(previous.toString())}`);
	}
	await input.expect('node');
	return name;
}

async function* readRegular(input: NarInput, name: Buffer | null): AsyncGenerator<NarEvent, void, void> {
	let token = await input.token();
	const executable = token === 'executable';
	if (executable) {
		await input.expect('');
		token = await input.token();
	}
	if (token !== 'contents') throw input.fail(`expected "contents", found ${quote(token)}`);
	const sizeBytes = await input.size();
	yield { kind: 'regular', name, executable, sizeBytes };
	for (let left = sizeBytes; left > 0; ) {
		const bytes = await input.some(left);
		left -= bytes.length;
		yield { kind: 'contents', bytes };
	}
	await input.padding(sizeBytes);
}

async function readSymlink(input: NarInput, name: Buffer | null, limits: NarLimits): Promise<NarEvent> {
	await input.expect('target');
	const target = await input.string(limits.maxTargetBytes, 'the target of a symbolic link');
	if (target.includes(NUL)) throw input.fail('the target of a symbolic link has a NUL in it');
	return { kind: 'symlink', name, target };
}

/** One node with all that is under it. Keeps its own stack, so depth costs no call stack. */
async function* readTree(input: NarInput, limits: NarLimits): AsyncGenerator<NarEvent, void, void> {
	/** For every open directory the last name read in it. */
	const open: (Buffer | null)[] = [];
	let name: Buffer | null = null;
	for (;;) {
		await input.expect('(', 'type');
		const type = await input.token();
		if (type === 'directory') {
			open.push(null);
			yield { kind: 'directory', name };
		} else {
			if (type === 'regular') yield* readRegular(input, name);
			else if (type === 'symlink') yield await readSymlink(input, name, limits);
			else throw input.fail(`${quote(type)} is no type of file`);
			await input.expect(')');
			if (open.length > 0) await input.expect(')');
		}
		for (;;) {
			if (open.length === 0) return;
			const token = await input.token();
			if (token === 'entry') break;
			if (token !== ')') throw input.fail(`expected "entry" or ")", found ${quote(token)}`);
			open.pop();
			yield { kind: 'directory-end' };
			if (open.length > 0) await input.expect(')');
		}
		if (open.length >= limits.maxDepth) throw input.fail(`directories are nested deeper than ${limits.maxDepth}`);
		name = await readEntryName(input, open.at(-1) ?? null, limits);
		open[open.length - 1] = name;
	}
}

/**
 * Takes an untrusted NAR apart as it streams in. Memory is bounded by one chunk and `limits`, whatever the archive says. Closes
 * `chunks` when it ends, fails or is left early. Throws `format-invalid` with the position on anything that Nix would not have
 * written: other magic, unsorted, repeated or impossible names, padding that is not zero, lengths beyond 2^53, a cut archive.
 * Errors of `chunks` itself pass through.
 */
export async function* readNar(
	chunks: AsyncIterable<Uint8Array>,
	limits: NarLimits = NAR_LIMITS,
): AsyncGenerator<NarEvent, void, void> {
	const input = new NarInput(chunks);
	try {
		await input.expect('nix-archive-1');
		yield* readTree(input, limits);
		if (limits.trailingBytes === 'refuse' && !(await input.ended())) throw input.fail('bytes follow the archive');
	} finally {
		await input.close();
	}
}
