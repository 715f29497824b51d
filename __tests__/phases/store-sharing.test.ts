import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeSharing } from '../../src/phases/store-sharing.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-sharing-'));
	mkdirSync(join(folder, 'db'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const makeStore = (): void => writeFileSync(join(folder, 'db', 'db.sqlite'), '');
const beginJob = (): void => writeFileSync(join(folder, 'event.json'), '{}');
const shared = async (env: Readonly<Record<string, string>> = {}): Promise<boolean> =>
	(await storeSharing({ stateDir: folder }, { GITHUB_EVENT_PATH: join(folder, 'event.json'), ...env })).isShared;

describe('a store', () => {
	it('counts as shared when it was there before the job, but not on a machine of GitHub', async () => {
		makeStore();
		await sleep(30);
		beginJob();
		expect(await shared({ RUNNER_ENVIRONMENT: 'self-hosted' })).toBe(true);
		expect(await shared()).toBe(true);
		expect(await shared({ RUNNER_ENVIRONMENT: 'github-hosted' })).toBe(false);
	});

	it("is the job's own when it was made in the job", async () => {
		beginJob();
		await sleep(30);
		makeStore();
		expect(await shared({ RUNNER_ENVIRONMENT: 'self-hosted' })).toBe(false);
	});

	it('counts as shared when nothing is known', async () => {
		expect(await shared()).toBe(true);
		makeStore();
		expect(await shared({ GITHUB_EVENT_PATH: '' })).toBe(true);
		expect(await shared({ GITHUB_EVENT_PATH: join(folder, 'nothing') })).toBe(true);
	});
});
