import type { ServerResponse } from 'node:http';

/** An answer that is an error, as attic says it. Source: attic/server/src/error.rs. */
export class Refusal extends Error {
	override readonly name = 'Refusal';
	readonly status: number;
	readonly kind: string;

	constructor(status: number, kind: string, message: string) {
		super(message);
		this.status = status;
		this.kind = kind;
	}
}

export const unauthorized = () => new Refusal(401, 'Unauthorized', 'Unauthorized.');
export const forbidden = () =>
	new Refusal(403, 'AccessError', 'Access error: User does not have permission to complete this action.');
export const noSuchCache = () => new Refusal(404, 'NoSuchCache', 'The requested cache does not exist.');
export const noSuchObject = () => new Refusal(404, 'NoSuchObject', 'The requested object does not exist.');
export const notFound = () => new Refusal(404, 'NotFound', 'The URL you requested was not found.');
export const badRequest = (why: string) => new Refusal(400, 'RequestError', `General request error: ${why}`);

/** What is left of the request is not read: the connection ends with the answer, as the real server ends it. */
export function refuse(response: ServerResponse, { status, kind, message }: Refusal): void {
	send(response, status, 'application/json', JSON.stringify({ code: status, error: kind, message }), { Connection: 'close' });
}

export function sendJson(response: ServerResponse, value: object): void {
	send(response, 200, 'application/json', JSON.stringify(value));
}

export function send(
	response: ServerResponse,
	status: number,
	contentType: string,
	text: string,
	headers: Readonly<Record<string, string>> = {},
): void {
	response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': String(Buffer.byteLength(text)), ...headers });
	response.end(text);
}
