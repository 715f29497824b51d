import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hookSettings } from '../../src/hook/install.ts';
import type { Log } from '../../src/log.ts';
import type { SetupContext } from '../../src/setup/configuration.ts';
import { type LocalStore, reopenLocalStore } from '../../src/store/local-store.ts';
import { parseNixAbout } from '../../src/store/nix-about.ts';

const about = parseNixAbout(readFileSync(join(import.meta.dirname, '..', 'store', 'golden', 'about-2.26.txt'), 'utf8'));
const silent: Log = {
	debug: () => undefined,
	info: () => undefined,
	notice: () => undefined,
	warning: () => undefined,
	error: () => undefined,
	group: (_title, body) => body(),
	mask: () => undefined,
};
const ADDED = `/nix/store/${'a'.repeat(32)}-nix-cache-action-hook`;

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'nix-cache-action-install-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A store whose Nix is a small program: what is tested is what becomes of its answers. Real ones are in the end-to-end tests. */
function storeWith(answers: string): LocalStore {
	const program = join(folder, 'nix');
	writeFileSync(program, `#!/bin/sh\ncase "$*" in\n${answers}\nesac\n`);
	chmodSync(program, 0o755);
	const location = { access: 'direct', storeDir: '/nix/store', realStoreDir: '/nix/store' } as const;
	return reopenLocalStore({ ...location, program, about, trust: 'direct' }, { PATH: process.env.PATH });
}

const SETTINGS = `*'config show'*) echo '{"post-build-hook": {"value": "/own hook"}}' ;;`;
const ADD = `*--add\\ *) echo ${ADDED} ;;`;

function install(answers: string, env: Readonly<Record<string, string>> = {}, signal = new AbortController().signal) {
	const context: SetupContext = {
		id: 'a',
		folder,
		env,
		exportVariable: () => expect.unreachable(),
		remember: () => expect.unreachable(),
		log: silent,
		signal,
	};
	return hookSettings({ store: storeWith(answers), previous: null, context, isShared: false });
}

describe('installing the post-build hook', () => {
	it('puts a script into the store that knows the journal and the hook of the user', async () => {
		const { journal, ...told } = await install(`${SETTINGS}\n${ADD}`);
		expect(told).toEqual({ settings: [['post-build-hook', ADDED]], script: ADDED, whyNot: null });
		expect(statSync(journal ?? '').mode & 0o777).toBe(0o600);
		const file = join(folder, 'hook', 'nix-cache-action-hook');
		expect(statSync(file).mode & 0o777).toBe(0o755);
		expect(readFileSync(file, 'utf8')).toContain(journal);
		expect(readFileSync(file, 'utf8')).toContain('exec \'/own hook\' "$@"');
	});

	it.each([
		['the script can not be added', `${SETTINGS}\n*--add\\ *) exit 1 ;;`, /failed/],
		['Nix adds another thing', `${SETTINGS}\n*--add\\ *) echo /etc/passwd ;;`, /not a store path/],
		['it can not be held', `${SETTINGS}\n${ADD}\n*--add-root*) exit 1 ;;`, /failed/],
		[
			'it is collected at once',
			`${SETTINGS}\n${ADD}\n*--add-root*) exit 1 ;;\n*--check-validity*) echo ${ADDED} ;;`,
			/collected/,
		],
		['the settings can not be read', `*'config show'*) echo '[]' ;;`, /settings/],
	])('costs the hook alone when %s', async (_what, answers, expected) => {
		const { settings, journal, whyNot } = await install(answers);
		expect({ settings, journal }).toEqual({ settings: [], journal: null });
		expect(whyNot).toMatch(expected);
	});

	it('costs the hook alone when its files can not be written', async () => {
		writeFileSync(join(folder, 'hook'), '');
		expect(await install(SETTINGS)).toMatchObject({ settings: [], whyNot: expect.stringContaining("can't be written") });
	});

	it('does not begin where NIX_CONFIG has a hook, whatever else it has', async () => {
		for (const text of ['post-build-hook = /x', 'cores = 1\npost-build-hook =\n']) {
			expect((await install('', { NIX_CONFIG: text })).whyNot).toContain('NIX_CONFIG');
		}
		expect(readdirSync(folder)).toEqual(['nix']);
		for (const text of ['', 'cores = 1', '# post-build-hook = /x', 'what is this']) {
			expect((await install(`${SETTINGS}\n${ADD}`, { NIX_CONFIG: text })).whyNot).toBeNull();
		}
	});

	it('is cancelled by its signal', async () => {
		await expect(install(SETTINGS, {}, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
	});
});
