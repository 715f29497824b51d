/**
 * The cache service as a program, for tests and benchmarks that want it in a process of its own:
 * `node program.ts '{"windowMs":1000}'` (the options of `startCacheService`) writes one line of JSON, `{"url","control"}`, and runs until
 * its standard input ends. `connectCacheService` speaks to it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startCacheService } from '../cache-service.ts';
import { CONTROLS } from './connect.ts';

const service = await startCacheService(JSON.parse(process.argv[2] ?? '{}'));

const control = createServer(async (asked, answer) => {
	try {
		const parts: Buffer[] = [];
		for await (const part of asked) parts.push(part);
		const { call, args }: { call: string; args: unknown[] } = JSON.parse(Buffer.concat(parts).toString());
		const name = CONTROLS.find((known) => known === call);
		if (name === undefined) throw new Error(`unknown call ${call}`);
		const result: unknown = await Reflect.apply(service[name], service, args);
		answer.end(JSON.stringify({ result: result ?? null }));
	} catch (error) {
		answer.writeHead(500).end(JSON.stringify({ error: String(error) }));
	}
});
await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
const { port } = control.address() as AddressInfo;

process.stdin.resume().once('end', () => {
	control.close();
	control.closeAllConnections();
	const exit = () => process.exit();
	service.stop().then(exit, exit);
});
process.stdout.write(`${JSON.stringify({ url: service.url, control: `http://127.0.0.1:${port}` })}\n`);
