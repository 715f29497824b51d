import type { FindPlace } from '../part-uploads.ts';
import type { CachixApi, Upload } from './cachix-api.ts';

/** Places for the parts of one upload. The server signs each URL for the MD5 of its part, which is read once more for it. */
export function signedParts(api: Pick<CachixApi, 'partUrl'>, upload: Upload): FindPlace {
	return async (part, partNumber, _attempt, signal) => {
		const contentMd5 = Buffer.from(await part.md5()).toString('base64');
		const url = await api.partUrl(upload, partNumber, contentMd5, signal);
		return { url, headers: { 'content-type': 'application/octet-stream', 'content-md5': contentMd5 } };
	};
}
