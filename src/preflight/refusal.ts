import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CacheError, systemCode } from '../errors.ts';

/** Why a folder would take nothing from this job's user; `null` when nothing is known against it. Of one that is not there yet its parent has to take it. */
export async function whyReadOnly(folder: string, label: string): Promise<CacheError | null> {
	try {
		await access(folder, constants.W_OK);
		return null;
	} catch (cause) {
		switch (systemCode(cause)) {
			case 'ENOENT':
				return folder === dirname(folder) ? null : whyReadOnly(dirname(folder), label);
			case 'EROFS':
				return new CacheError('cache-read-only', `${label} is mounted for reading only.`, {
					hint: 'Mount it for writing, or set `push: never`.',
					cause,
				});
			case 'EACCES':
				return new CacheError('cache-forbidden', `${label}: this job's user may not write in ${folder}.`, {
					hint: `Give it the right to (\`sudo chown -R "$(id -un)" ${folder}\` in a step before), or set \`push: never\`.`,
					cause,
				});
			default:
				return null;
		}
	}
}
