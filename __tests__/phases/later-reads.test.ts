import { expect, it } from 'vitest';
import { laterReads } from '../../src/phases/later-reads.ts';

it('all that post knows of what the job read arrives, also for who holds it already', async () => {
	const { job, arrive } = laterReads();
	expect(job).toMatchObject({ used: new Set(), served: [], errors: {} });
	const packFindings = { there: ['nca1-p-1'], gone: ['nca1-p-2'] };
	const served = [{ label: 'the Actions cache', paths: 1, bytes: 2, cut: 0 }];
	arrive({ used: ['abc'], packFindings, served, errors: { 'cache-failing': 1 } });
	expect(job).toMatchObject({ used: new Set(['abc']), served, errors: { 'cache-failing': 1 } });
	expect(await job.packFindings).toEqual(packFindings);
});
