/**
 * Servers that only serve a store: nix-serve (nix-serve.psgi), which looks at no method, and harmonia (harmonia-cache/src/main.rs), which has no route for PUT.
 * Their narinfos have no FileHash and no FileSize. `folder` has the files of a cache with uncompressed NARs.
 */
import type { Handler } from '../http-cache.ts';
import { fileIn, keyOf, reply } from './files.ts';

const CACHE_INFO = 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n';

function answerOf(folder: string, name: string): string | Buffer | null {
	if (name === 'nix-cache-info') return CACHE_INFO;
	const file = fileIn(folder, name);
	if (file === null || !name.endsWith('.narinfo')) return file;
	return file
		.toString('utf8')
		.split('\n')
		.filter((line) => !/^(FileHash|FileSize): |^References: $/.test(line))
		.join('\n');
}

export function nixServe(folder: string): Handler {
	return async (request, response) => {
		const answer = answerOf(folder, keyOf(request));
		// The server reads a request's body before it asks the program.
		for await (const _ of request);
		if (answer === null) reply(response, 404, 'File not found.\n');
		else reply(response, 200, answer);
	};
}

export function harmonia(folder: string): Handler {
	return async (request, response) => {
		const name = keyOf(request);
		const isRoute = /^(nix-cache-info|[a-z0-9]+\.narinfo|nar\/[a-z0-9]+\.nar)$/.test(name);
		if (isRoute && request.method !== 'GET' && request.method !== 'HEAD') return reply(response, 405);
		const answer = isRoute ? answerOf(folder, name) : null;
		if (answer === null) reply(response, 404, 'missed hash');
		else reply(response, 200, answer);
	};
}
