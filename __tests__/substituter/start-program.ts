/**
 * What main does: starts the background process and ends. `node start-program.ts <folder>`
 */
import { join } from 'node:path';
import { startDaemon } from '../../src/substituter/daemon.ts';
import { keptLog } from './kept-log.ts';

await startDaemon({
	nodePath: process.execPath,
	script: join(import.meta.dirname, 'serve-program.ts'),
	env: process.env,
	folder: process.argv[2] ?? '',
	handover: {},
	timeoutMs: 20_000,
	log: keptLog(),
	signal: new AbortController().signal,
});
