import { describe, expect, it } from 'vitest';
import { hashPartOf } from '../../src/nix/store-path.ts';
import { originsOf } from '../../src/report/origins.ts';
import { pathInfo } from '../push/graph.ts';

const upstream = { ultimate: false, signatures: ['cache.nixos.org-1:AAAA'] };
const both = { ultimate: false, signatures: ['own-1:AAAA', 'cache.nixos.org-1:AAAA', 'own-1:BBBB'] };

describe('where paths came from', () => {
	it('is told from the flag of what was built, signatures and content addresses', () => {
		const added = [
			pathInfo('built'),
			pathInfo('built-and-signed', { signatures: ['own-1:AAAA'] }),
			pathInfo('fixed-output', { ca: 'fixed:sha256:0000' }),
			pathInfo('from-upstream', upstream),
			pathInfo('mirrored', both),
			pathInfo('fetched-source', { ...upstream, ca: 'fixed:r:sha256:0000' }),
			pathInfo('source', { ultimate: false, ca: 'fixed:r:sha256:0000' }),
			pathInfo('some.drv', { ultimate: false, ca: 'text:sha256:0000' }),
			pathInfo('imported', { ultimate: false }),
		];
		expect(originsOf({ added, served: new Set(), servedFrom: [] })).toEqual([
			{ from: 'signed', names: ['cache.nixos.org-1'], paths: 2, narBytes: 2000 },
			{ from: 'signed', names: ['cache.nixos.org-1', 'own-1'], paths: 1, narBytes: 1000 },
			{ from: 'unsigned', names: [], paths: 1, narBytes: 1000 },
			{ from: 'built', names: [], paths: 3, narBytes: 3000 },
			{ from: 'source', names: [], paths: 1, narBytes: 1000 },
			{ from: 'derivation', names: [], paths: 1, narBytes: 1000 },
		]);
	});

	it('is the local substituter for what that sent, whoever signed it, unless Nix built it all the same', () => {
		const added = [pathInfo('sent', upstream), pathInfo('sent-unsigned', { ultimate: false }), pathInfo('broke-off')];
		const served = new Set(added.map(({ path }) => hashPartOf(path)));
		expect(originsOf({ added, served, servedFrom: ['the Actions cache'] })).toEqual([
			{ from: 'served', names: ['the Actions cache'], paths: 2, narBytes: 2000 },
			{ from: 'built', names: [], paths: 1, narBytes: 1000 },
		]);
	});

	it('is counted in a moment for 100,000 paths', () => {
		const infos = [pathInfo('one', upstream), pathInfo('two')];
		const added = Array.from({ length: 50_000 }, () => infos).flat();
		const started = performance.now();
		expect(originsOf({ added, served: new Set(), servedFrom: [] }).map(({ paths }) => paths)).toEqual([50_000, 50_000]);
		expect(performance.now() - started).toBeLessThan(500);
	});
});
