import { CacheError, systemCode } from '../../errors.ts';

const FULL = ['ENOSPC', 'EDQUOT'];
const FAILED = [
	'EACCES',
	'EBADF',
	'EEXIST',
	'EIO',
	'EISDIR',
	'EMFILE',
	'ENFILE',
	'ENOENT',
	'ENOTDIR',
	'EPERM',
	'EROFS',
	'ESTALE',
];

/** What went wrong with `file`, when it was the file: `disk-full` or `file-failed`; `null` for an error that came from elsewhere, as from a connection. */
export function fileError(cause: unknown, file: string): CacheError | null {
	const code = systemCode(cause) ?? '';
	if (FULL.includes(code)) return new CacheError('disk-full', `${file} can't be written: the disk is full (${code}).`, { cause });
	return FAILED.includes(code) ? new CacheError('file-failed', `${file} can't be written (${code}).`, { cause }) : null;
}
