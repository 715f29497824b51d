import { afterEach, expect, it, vi } from 'vitest';
import { openS3 } from '../../../src/backends/s3/store.ts';
import { never, recordingLog, testClient } from '../../http/peers/means.ts';
import { startServer } from '../../http/peers/server.ts';
import { environment, targetOf } from './targets.ts';

afterEach(() => void vi.unstubAllEnvs());

it.each([302, 303])('a login page in front of the bucket (%i) gets no signature, and is no object', async (status) => {
	environment({}, vi.stubEnv);
	const login = await startServer((_, response) => void response.end('<html>'));
	const server = await startServer((_, response) => void response.writeHead(status, { location: login.url.href }).end());
	await using client = testClient();
	const target = targetOf(`s3://bucket?endpoint=${server.url.origin}&region=us-east-1`, {
		accessKeyId: 'a',
		secretAccessKey: 'b',
	});
	const store = openS3(target, { client, log: recordingLog() });
	await expect(store.get('nix-cache-info', 100, never)).rejects.toThrow(`${status}`);
	expect(login.received).toEqual([]);
	await Promise.all([server.close(), login.close()]);
});
