import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheError, systemCode } from '../errors.ts';

/**
 * Standard error of a program as a file without a name, in place of a pipe. Nix drops the lines that a pipe has no room for once that is non-blocking, and the ssh that it
 * starts with the same standard error makes it so (seen with OpenSSH 9.2: of 1,500 lines of Nix 2.26 a third to two thirds were lost). A file takes them all, unless the disk
 * is full, which does not go unnoticed.
 */
export interface ErrorFile {
	readonly fd: number;
	/** The last bytes of what was written so far, at most so many. */
	end(limitBytes: number): string;
	/** All of it. Throws `nix-failed` when that is more than `LIMIT_BYTES`, and `disk-full` when some may not have been written. */
	lines(): readonly string[];
	/** May be called again. */
	close(): void;
}

/** A line for each path of a command, 1 KiB at most, and whatever Nix warns of. */
const LIMIT_BYTES = 64 * 1024 * 1024;
/** A page of a file system and more: a single byte may find room in the last one. */
const PROBE_BYTES = 64 * 1024;

/** Throws `file-failed`, `disk-full`. */
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
			const text = read(size);
			writeOn(fd);
			return text.split('\n');
		},
		close() {
			if (isOpen) closeSync(fd);
			isOpen = false;
		},
	};
}

function openUnnamed(): number {
	try {
		const name = join(tmpdir(), `nix-cache-action-${randomBytes(12).toString('hex')}`);
		const fd = openSync(name, 'wx+', 0o600);
		unlinkSync(name);
		return fd;
	} catch (error) {
		throw fileError(error);
	}
}

/** Where more can be written, there was room for all that came before. */
function writeOn(fd: number): void {
	try {
		for (let left = PROBE_BYTES; left > 0; ) left -= writeSync(fd, Buffer.alloc(left, '\n'));
	} catch (error) {
		throw fileError(error);
	}
}

function fileError(cause: unknown): CacheError {
	const code = systemCode(cause) ?? 'unknown';
	return new CacheError(
		code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'file-failed',
		`No file can be written in ${tmpdir()} (${code}).`,
		{
			hint: 'Free space there, or set `TMPDIR` to a folder with room that this user may write in.',
			cause,
		},
	);
}
