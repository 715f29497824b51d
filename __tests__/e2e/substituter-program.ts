/** The background process of the end-to-end tests, over a folder that `nix copy` wrote: `node substituter-program.ts <folder>` */
import { runDaemon } from '../../src/substituter/run-daemon.ts';
import { folderReader, type NarPace } from '../substituter/folder-reader.ts';
import { keptLog } from '../substituter/kept-log.ts';

export interface Orders {
	/** The binary cache. */
	readonly cache: string;
	readonly storeDir: string;
	readonly pace: NarPace;
}

await runDaemon({
	folder: process.argv[2] ?? '',
	log: keptLog(),
	async open(handover) {
		const { cache, storeDir, pace }: Orders = JSON.parse(JSON.stringify(handover));
		return { mounts: [{ name: '', reader: await folderReader(cache, storeDir, pace), priority: 35 }], storeDir };
	},
});
process.exit();
