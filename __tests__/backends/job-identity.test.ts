import { expect, it } from 'vitest';
import { createJobIdentity } from '../../src/backends/job-identity.ts';
import { never, recordingLog, testClient } from '../http/peers/means.ts';
import { startServer } from '../http/peers/server.ts';

it('one request for a token serves all who wait, whoever of them is cancelled', async () => {
	const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
	const server = await startServer(async (_, response) => {
		await mayAnswer;
		response.end('{"value":"a.b.c"}');
	});
	await using client = testClient();
	const env = { ACTIONS_ID_TOKEN_REQUEST_URL: server.url.href, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't' };
	const identity = createJobIdentity({ client, env, audience: 'a', log: recordingLog() });
	const stop = new AbortController();
	const first = identity.token(stop.signal).catch((error: unknown) => error);
	const second = identity.token(never);
	stop.abort();
	expect(await first).toMatchObject({ code: 'cancelled' });
	answer();
	expect(await second).toBe('a.b.c');
	expect(server.received.length).toBe(1);
	await server.close();
});

it.each([-10, 0, 10])('a token is renewed before its end, by a clock that is %i minutes off, too', async (aheadMinutes) => {
	const issuedS = 1_800_000_000;
	let nowMs = (issuedS + aheadMinutes * 60) * 1000;
	const claims = Buffer.from(JSON.stringify({ iat: issuedS, exp: issuedS + 300 })).toString('base64url');
	const server = await startServer(async (_, response) => {
		response.end(`{"value":"a.${claims}.c"}`);
	});
	await using client = testClient();
	const env = { ACTIONS_ID_TOKEN_REQUEST_URL: server.url.href, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't' };
	const identity = createJobIdentity({ client, env, audience: 'a', log: recordingLog(), nowMs: () => nowMs });
	const asksWhen = async (laterMs: number): Promise<number> => {
		nowMs += laterMs;
		await identity.token(never);
		return server.received.length;
	};
	expect([await asksWhen(0), await asksWhen(1_000), await asksWhen(230_000), await asksWhen(10_000)]).toEqual([1, 1, 1, 2]);
	await server.close();
});
