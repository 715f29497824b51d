import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startCountingBucket } from '../../support/counting-bucket.ts';
import type { PutInChild } from './put-in-child.ts';

const GiB = 1024 ** 3;

it('6 GiB go up with less than 256 MiB of memory, each request with its length', { timeout: 180_000 }, async () => {
	await using bucket = await startCountingBucket();
	const args = [join(import.meta.dirname, 'put-in-child.ts'), bucket.url, `${6 * GiB}`];
	const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env.PATH } });
	const { maxRssMiB } = JSON.parse(stdout) as PutInChild;
	expect([...bucket.sizes.values()]).toEqual([6 * GiB]);
	expect(new Set(bucket.partSizes)).toEqual(new Set([16 * 1024 * 1024]));
	expect(maxRssMiB).toBeLessThan(256);
});
