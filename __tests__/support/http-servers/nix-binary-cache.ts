/**
 * A server as nix-binary-cache is (main.go): any PUT is taken and kept under any name, every other method gives the file. No nix-cache-info of its own. An upload that
 * breaks off ends the whole server.
 */
import type { Handler } from '../http-cache.ts';
import { fileIn, keyOf, readBody, reply, writeIn } from './files.ts';

export function nixBinaryCache(folder: string): { readonly handler: Handler; readonly isDead: () => boolean } {
	let dead = false;
	const handler: Handler = async (request, response) => {
		if (dead) return void request.socket.destroy();
		const name = keyOf(request);
		if (request.method === 'PUT') {
			const body = await readBody(request).catch(() => null);
			if (body === null) dead = true;
			else writeIn(folder, name, body);
			return reply(response, 200);
		}
		const file = fileIn(folder, name);
		if (file === null) return reply(response, 404);
		reply(response, 200, file);
	};
	return { handler, isDead: () => dead };
}
