import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheError, systemCode } from '../errors.ts';

/**
 * Standard error of a program as a file without a name, in place of a pipe. Nix drops the lines that a pipe has no room for once that is non-blocking, and the ssh that it
 * starts with the same standard error makes it so (seen with OpenSSH 9.2: of 1,500 lines of Nix 2.26 a third to two thirds were lost). A file is never full.
 */
export interface ErrorFile {
	readonly fd: number;
	/** The last bytes of what was written so far, at most so many. */
	end(limitBytes: number): string;
	/** All of it. Throws `nix-failed` when that is more than `LIMIT_BYTES`. */
	lines(): readonly string[];
	/** May be called again. */
	close(): void;
}

/** A line for each path of a command, 1 KiB at most, and whatever Nix warns of. */
const LIMIT_BYTES = 64 * 1024 * 1024;

/** Throws `file-failed`. */
export function openErrorFile(): ErrorFile {
	const fd = openUnnamed();
	let isOpen = true;
	const read = (limitBytes: number): string => {
		const { size } = fstatSync(fd);
		const bytes = Buffer.alloc(Math.min(size, limitBytes));
		let filled = 0;
		while (filled < bytes.length) {
			const count = readSync(fd, bytes, filled, bytes.length - filled, size - bytes.length + filled);
			if (count === 0) break;
			filled += count;
		}
		return bytes.toString('utf8', 0, filled);
	};
	return {
		fd,
		end: read,
		lines() {
			const { size } = fstatSync(fd);
			if (size > LIMIT_BYTES) throw new CacheError('nix-failed', `Nix wrote ${size} bytes to standard error.`);
			return read(size).split('\n');
		},
		close() {
			if (isOpen) closeSync(fd);
			isOpen = false;
		},
	};
}

function openUnnamed(): number {
	const name = join(tmpdir(), `nix-cache-action-${randomBytes(12).toString('hex')}`);
	try {
		const fd = openSync(name, 'wx+', 0o600);
		unlinkSync(name);
		return fd;
	} catch (cause) {
		throw new CacheError('file-failed', `${name} can't be written (${systemCode(cause) ?? 'unknown'}).`, { cause });
	}
}
