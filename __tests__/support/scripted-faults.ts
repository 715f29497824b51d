/** Faults that a server of the tests makes when it is told to, for requests as `METHOD path?query`. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type ScriptedFault =
	| { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
	/** The connection is cut once so many bytes of the request's body were read. */
	| { readonly cutAfterBytes: number }
	/** The request is served, and then the connection is cut in place of the answer. */
	| { readonly loseAnswer: true }
	/** No answer at all. */
	| { readonly stall: true };

export interface ScriptedFaults {
	/** The next `times` requests that match fail so; 1 if not said. */
	fail(match: RegExp, fault: ScriptedFault, times?: number): void;
	/** Whether the request met a fault and needs no other answer. */
	meet(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

export function scriptedFaults(): ScriptedFaults {
	const scripts: { readonly match: RegExp; readonly fault: ScriptedFault; left: number }[] = [];
	return {
		fail: (match, fault, times = 1) => void scripts.push({ match, fault, left: times }),
		async meet(request, response) {
			const script = scripts.find(({ match, left }) => left > 0 && match.test(`${request.method} ${request.url}`));
			if (script === undefined) return false;
			script.left--;
			const { fault } = script;
			if ('status' in fault) {
				request.resume();
				response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body ?? '');
				return true;
			}
			if ('loseAnswer' in fault) {
				response.writeHead = () => {
					request.socket.destroy();
					return response;
				};
				return false;
			}
			if ('stall' in fault) return true;
			// The request lets go of it when it is left.
			const { socket } = request;
			let left = fault.cutAfterBytes;
			for await (const chunk of request) {
				left -= chunk.length;
				if (left <= 0) break;
			}
			socket.destroy();
			return true;
		},
	};
}
