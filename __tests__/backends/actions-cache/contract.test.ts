/** The store in the Actions cache does what every backend promises; on the tests' service. */
import { join } from 'node:path';
import { createActionsCache } from '../../../src/backends/actions-cache/actions-cache.ts';
import { readIndexes } from '../../../src/backends/actions-cache/known-indexes.ts';
import { createPacks } from '../../../src/backends/actions-cache/packs.ts';
import { keptLog } from '../../substituter/kept-log.ts';
import { backendContract } from '../backend-contract.ts';
import { STORE_DIR } from '../peers/paths.ts';
import { signal, useDirectCache } from './direct-cache.ts';

const cache = useDirectCache();
let jobs = 0;

backendContract(
	'the store in the Actions cache',
	async () => ({
		async job() {
			const service = cache.open();
			const refs = { own: 'refs/heads/main', others: [], isDefault: true };
			return createActionsCache({
				service,
				known: await readIndexes({ service, refs, storeDir: STORE_DIR, nowS: 1, log: keptLog(), signal }),
				storeDir: STORE_DIR,
				signingKey: null,
				publicKeys: [],
				folder: join(cache.folder, `packs-${++jobs}`),
				writer: 'test',
				budgetBytes: 1024 ** 3,
				compactionMs: 10_000,
				used: new Set(),
				packs: createPacks(service),
				nowS: 1,
				log: keptLog(),
			});
		},
		dispose: async () => undefined,
	}),
	{ takesTogether: true, asksAnew: false },
);
