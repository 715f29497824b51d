/** Bytes of a known length that can be read again: a buffer or a spooled file. */
export interface ObjectBody {
	readonly sizeBytes: number;
	/** The bytes themselves when they are in memory, else `null`. */
	readonly bytes: Uint8Array | null;
	/**
	 * All bytes, from the start at each call. A piece may be overwritten once two more have been taken. Those have 64 KiB or more (but for the last), so a stream
	 * that never holds back that much while it asks for more, as those of Node do, can be given the pieces as they are.
	 */
	stream(): AsyncIterable<Uint8Array>;
}

/** A body that can also be read in parts, several at a time. */
export interface DivisibleBody extends ObjectBody {
	/**
	 * Gives the file that the bytes lie in the name `file`, in place of what has it; the body can't be read after that. `null` where there is no such file. Throws what
	 * `close` and `rename` throw, and then `file` is what it was.
	 */
	readonly moveTo: ((file: string) => Promise<void>) | null;
	/** Bytes `start` up to `end` (not included) as a body of their own, good for as long as the whole one is. */
	part(start: number, end: number): BodyPart;
}

export interface BodyPart extends ObjectBody {
	/** The MD5 of its bytes (16), as storage wants it beside them. Reads them, and keeps none. */
	md5(): Promise<Uint8Array>;
}
