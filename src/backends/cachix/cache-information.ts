import { CacheError, describeError } from '../../errors.ts';
import { type PublicKey, parsePublicKey } from '../../nix/signature.ts';
import { jsonFields } from '../json-fields.ts';

/** What the server says of a cache, as far as this action needs it. */
export interface CacheInformation {
	/** Where Nix reads it: an HTTP URL without query. */
	readonly uri: URL;
	readonly isPublic: boolean;
	/** What the server's signatures are made with. */
	readonly publicKeys: readonly PublicKey[];
	/** What this token may do, or what everybody may without one: `Read`, `Write` or `Admin`. */
	readonly permission: string;
}

/**
 * Reads the answer to `GET cache/NAME`. The token goes to the host in `uri`, so that must not be reached in the clear when the server itself is not.
 * @throws CacheError `cache-invalid`
 */
export function parseCacheInformation(bytes: Uint8Array, host: URL, what: string): CacheInformation {
	const fields = jsonFields(bytes, what);
	const written = fields.text('uri');
	const uri = URL.canParse(written) ? new URL(written) : null;
	const isHttp = uri !== null && (uri.protocol === 'https:' || (uri.protocol === 'http:' && host.protocol === 'http:'));
	if (!isHttp || uri.username !== '' || uri.password !== '' || uri.search !== '' || uri.hash !== '') {
		throw new CacheError('cache-invalid', `${what} names no place that Nix could read from.`);
	}
	return {
		uri,
		isPublic: fields.boolean('isPublic'),
		publicKeys: fields.texts('publicSigningKeys').map((text) => readKey(text, what)),
		permission: fields.text('permission'),
	};
}

function readKey(text: string, what: string): PublicKey {
	try {
		return parsePublicKey(text);
	} catch (cause) {
		throw new CacheError('cache-invalid', `${what} has a key that can't be read: ${describeError(cause)}`, { cause });
	}
}
