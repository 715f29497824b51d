import type { S3Target } from '../../cache-target/s3.ts';
import type { Backend } from '../backend.ts';
import { createBinaryCache } from '../binary-cache.ts';
import type { BackendMeans } from '../open.ts';
import { openS3 } from './store.ts';

const NO_KEYS = 'there are no AWS credentials (a pull request from a fork has no secrets, and no identity of its own).';

/**
 * A binary cache in a bucket. Where everybody may read it, Nix gets its plain HTTPS URL: that works with every Nix (many are built without S3), without looking
 * for credentials first. Otherwise the local substituter reads it with the job's.
 */
export function openS3Cache(target: S3Target, means: BackendMeans): Backend {
	const store = openS3(target, means);
	const cache = createBinaryCache({ ...means, kind: 's3', store, substituter: target.substituter });
	let isPublic = false;
	return {
		...cache,
		reads: () => (isPublic ? cache.reads() : { ...cache.reads(), substituters: [], throughUs: true }),
		async check(mayWrite, signal) {
			const hasKeys = await store.hasKeys(signal);
			const checked = await cache.check(mayWrite && hasKeys, signal);
			isPublic = checked.readable && (await store.isPublic('nix-cache-info', signal));
			return { ...checked, whyNoPush: mayWrite && !hasKeys ? NO_KEYS : null };
		},
	};
}
