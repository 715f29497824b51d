/**
 * Puts an object of zeros into a bucket in a process of its own, and prints what came of it as JSON, the largest resident size among it.
 *
 *     node put-in-child.ts <URL of the bucket> <bytes>
 */
import { openS3 } from '../../../src/backends/s3/store.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import { bodyOfZeros, never, recordingLog } from '../../http/peers/means.ts';
import { targetOf } from './targets.ts';

/** What the process prints. */
export interface PutInChild {
	readonly seconds: number;
	readonly maxRssMiB: number;
}

const [url = '', sizeBytes = '0'] = process.argv.slice(2);
const client = createHttpClient({ env: {}, log: recordingLog() });
const store = openS3(targetOf(url, { accessKeyId: 'AKIATEST', secretAccessKey: 'test' }), { client, log: recordingLog() });
const startedMs = performance.now();
await store.put('nar/large', bodyOfZeros(Number(sizeBytes)), 'application/x-nix-nar', never);
await client.close();
const result: PutInChild = { seconds: (performance.now() - startedMs) / 1000, maxRssMiB: process.resourceUsage().maxRSS / 1024 };
process.stdout.write(JSON.stringify(result));
