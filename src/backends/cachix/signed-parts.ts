import { createHash } from 'node:crypto';
import type { ObjectBody } from '../object-store.ts';
import type { FindPlace } from '../part-uploads.ts';
import type { CachixApi, Upload } from './cachix-api.ts';

/** Places for the parts of one upload. The server signs each URL for the MD5 of its part, which is read once more for it. */
export function signedParts(api: Pick<CachixApi, 'partUrl'>, upload: Upload): FindPlace {
	return async (part, partNumber, _attempt, signal) => {
		const contentMd5 = await md5Of(part);
		const url = await api.partUrl(upload, partNumber, contentMd5, signal);
		return { url, headers: { 'content-type': 'application/octet-stream', 'content-md5': contentMd5 } };
	};
}

async function md5Of(part: ObjectBody): Promise<string> {
	const hash = createHash('md5');
	if (part.bytes !== null) hash.update(part.bytes);
	else for await (const chunk of part.stream()) hash.update(chunk);
	return hash.digest('base64');
}
