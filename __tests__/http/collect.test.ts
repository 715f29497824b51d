import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect } from '../../src/http/collect.ts';
import { never } from './peers/means.ts';
import { type Peer, startServer } from './peers/server.ts';

const all = () => ({ atMostBytes: 100, startIsEnough: false });

let peer: Peer;
let agent: Agent;
beforeEach(async () => {
	peer = await startServer((request, response) => {
		if (request.url === '/answer') response.end('yes');
	});
	agent = new Agent({ connections: 1 });
});
afterEach(async () => {
	await agent.destroy();
	await peer.close();
});

const ask = (path: string, signal: AbortSignal) => collect(agent, { origin: peer.url.origin, path, method: 'GET' }, all, signal);

describe('a request that is collected', () => {
	it('has its answer whole', async () => {
		const { status, bytes, ended } = await ask('/answer', never);
		expect({ status, text: Buffer.from(bytes).toString(), ended }).toEqual({ status: 200, text: 'yes', ended: 'whole' });
	});

	it('is not sent when its signal has aborted before, and waits for no connection to say so', async () => {
		const busy = new AbortController();
		const hanging = ask('/hang', busy.signal);
		await expect(ask('/answer', AbortSignal.abort())).rejects.toThrow('aborted');
		busy.abort();
		await expect(hanging).rejects.toThrow('aborted');
		await ask('/answer', never);
		expect(peer.received.filter(({ path }) => path === '/answer')).toHaveLength(1);
	}, 5_000);

	it('ends with its signal while it waits for an answer, and while it waits for the connection', async () => {
		const [first, second] = [new AbortController(), new AbortController()];
		const answer = ask('/hang', first.signal);
		await expect.poll(() => peer.received.length).toBe(1);
		const queued = ask('/answer', second.signal);
		second.abort();
		await expect(queued).rejects.toThrow('aborted');
		first.abort();
		await expect(answer).rejects.toThrow('aborted');
		await ask('/answer', never);
		expect(peer.received).toHaveLength(2);
	});
});
