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
