import { CacheError } from '../errors.ts';
import { type Asked, describeRequest, megabytes } from './failure.ts';

/** What servers refused with 413, so that nothing as large is sent there in vain again. */
export interface RefusedSizes {
	/** @throws CacheError `cache-too-large` when the origin refused a body of this size or a smaller one before */
	check(asked: Asked): void;
	learn(asked: Asked): void;
}

export function createRefusedSizes(): RefusedSizes {
	/** The smallest refused size by origin. */
	const smallest = new Map<string, number>();
	return {
		check({ method, url, sizeBytes }) {
			const refused = smallest.get(url.origin);
			if (refused === undefined || sizeBytes === null || sizeBytes < refused) return;
			throw new CacheError(
				'cache-too-large',
				`${describeRequest(method, url)}: ${megabytes(sizeBytes)} not sent, since the server refused ${megabytes(refused)} before.`,
				{ hint: 'Raise its limit (nginx: `client_max_body_size`), or leave such paths out with `max-path-size`.' },
			);
		},
		learn({ url, sizeBytes }) {
			if (sizeBytes !== null) smallest.set(url.origin, Math.min(sizeBytes, smallest.get(url.origin) ?? sizeBytes));
		},
	};
}
