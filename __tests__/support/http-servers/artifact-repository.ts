/**
 * A server as Artifactory and Nexus are to a client of a generic (raw) repository: nothing without credentials, HEAD included; a virtual repository that reads from the local
 * one and takes no uploads; what is there may not be overwritten without a permission of its own; NARs come from a store elsewhere, by a redirect to a
 * signed URL, and that store refuses requests with a header of credentials.
 */
import type { Handler } from '../http-cache.ts';
import { fileIn, keyOf, readBody, reply, writeIn } from './files.ts';

export interface ArtifactRepositoryOptions {
	readonly folder: string;
	readonly credentials: string;
	/** Where the store with the NARs is: an origin. */
	readonly storage: () => string;
}

const VIRTUAL = 'artifactory/nix/';
const LOCAL = 'artifactory/nix-local/';
const errors = (status: number, message: string): string => JSON.stringify({ errors: [{ status, message }] });

export function artifactRepository({ folder, credentials, storage }: ArtifactRepositoryOptions): Handler {
	const expected = `Basic ${Buffer.from(credentials).toString('base64')}`;
	return async (request, response) => {
		const json = { 'content-type': 'application/json' };
		const refuse = (status: number, message: string): void => reply(response, status, errors(status, message), json);
		if (request.headers.authorization !== expected) {
			return reply(response, 401, errors(401, 'Authentication is required'), {
				...json,
				'www-authenticate': 'Basic realm="Artifactory"',
			});
		}
		const path = keyOf(request);
		const root = [VIRTUAL, LOCAL].find((prefix) => path.startsWith(prefix));
		if (root === undefined) return refuse(404, 'Repository not found');
		const key = path.slice(root.length);
		const there = fileIn(folder, key);
		switch (request.method) {
			case 'PUT': {
				if (root === VIRTUAL) return refuse(405, 'No default deployment repository is configured');
				const body = await readBody(request);
				if (there !== null) return refuse(403, 'Not enough permissions to delete/overwrite artifact');
				writeIn(folder, key, body);
				return reply(response, 201, '{}', json);
			}
			case 'GET':
			case 'HEAD':
				if (there === null) return refuse(404, 'File not found.');
				if (key.startsWith('nar/'))
					return reply(response, 302, '', { location: `${storage()}/${key}?signature=of-${key.length}` });
				return reply(response, 200, there);
			default:
				return reply(response, 200, '', { allow: 'GET, HEAD, OPTIONS' });
		}
	};
}

/** The store that the URLs lead to. It knows GET alone, as a signed URL is for one method. */
export function signedStorage(folder: string): Handler {
	return async (request, response) => {
		const key = keyOf(request);
		const isSigned = request.url?.endsWith(`?signature=of-${key.length}`) === true;
		if (request.headers.authorization !== undefined) return reply(response, 400, 'Only one auth mechanism allowed');
		if (!isSigned || request.method !== 'GET') return reply(response, 403, 'SignatureDoesNotMatch');
		const file = fileIn(folder, key);
		if (file === null) return reply(response, 404, 'NoSuchKey');
		const [, start] = /^bytes=(\d+)-0$/.exec(request.headers.range ?? '') ?? [];
		if (start !== '0') return reply(response, 200, file);
		reply(response, 206, file.subarray(0, 1), { 'content-range': `bytes 0-0/${file.length}` });
	};
}
