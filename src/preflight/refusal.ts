import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StoreTarget } from '../cache-target/target.ts';
import { CacheError, systemCode } from '../errors.ts';
import type { Env } from '../http/proxy.ts';
import { refusalOfUpload } from '../http/upload-refusal.ts';
import type { Log } from '../log.ts';
import { findNetrc, type NetrcEntry } from '../nix/netrc.ts';

export interface RefusalMeans {
	readonly env: Env;
	readonly netrc: readonly NetrcEntry[];
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** A NAR that nobody has: the hash of all zeros. */
const KEY = `nar/${'0'.repeat(52)}.nar`;

/**
 * Why a cache would take nothing from this job, as far as that can be known without leaving a trace there; `null` when nothing is known against it. Of
 * the kinds that are not named here the first upload tells: to ask S3 and the like takes an object, and who may put one may not always remove it.
 */
export async function whyRefused(target: StoreTarget, means: RefusalMeans): Promise<CacheError | null> {
	switch (target.kind) {
		case 'http': {
			const base = target.pushUrl ?? target.url;
			const url = new URL(base);
			url.pathname = `${base.pathname.replace(/\/$/, '')}/${KEY}`;
			const entry = findNetrc(means.netrc, url.hostname);
			const known = entry === null ? null : ({ kind: 'basic', username: entry.login, password: entry.password } as const);
			return refusalOfUpload({ ...means, url, credentials: target.credentials ?? known });
		}
		case 'file':
			return whyReadOnly(target.folder, target.place);
		default:
			return null;
	}
}

/** Of a folder that is not there yet its parent has to take it. */
async function whyReadOnly(folder: string, label: string): Promise<CacheError | null> {
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
