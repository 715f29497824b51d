import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAtticUrl } from '../../src/cache-target/attic.ts';
import { parseCacheTarget } from '../../src/cache-target/target.ts';

const token = { kind: 'bearer', token: 'a.b.c' } as const;

describe('the URL of a cache on an attic server', () => {
	it.each([
		['attic://cache.example/mine', 'https://cache.example/', 'mine', ''],
		['attic://cache.example:8443/mine/', 'https://cache.example:8443/', 'mine', ''],
		['attic+http://127.0.0.1:8080/team+ci', 'http://127.0.0.1:8080/', 'team+ci', ''],
		['attic://cache.example//team/mine', 'https://cache.example//team/', 'mine', ''],
		['attic://cache.example//mine', 'https://cache.example//', 'mine', ''],
		['attic://Example.org/nix/attic/mine?priority=30', 'https://example.org/nix/attic/', 'mine', '?priority=30'],
	])('%s is understood', (line, endpoint, cache, parameters) => {
		const target = parseCacheTarget(line, null, token);
		expect(target).toEqual({
			kind: 'attic',
			place: line.replace(/\?.*$|\/$/, '').replace('Example', 'example'),
			endpoint: new URL(endpoint),
			cache,
			parameters,
			credentials: token,
		});
	});

	it.each([
		['attic://cache.example', 'names no cache'],
		['attic://cache.example/', 'names no cache'],
		['attic:///mine', 'not a URL'],
		['attic:mine', 'not a URL'],
		['attic://cache.example/-mine', 'no name that attic allows'],
		['attic://cache.example/my%20cache', 'no name that attic allows'],
		[`attic://cache.example/${'a'.repeat(51)}`, 'no name that attic allows'],
		['attic://cache.example/mine#part', 'fragment'],
		['attic+https://cache.example/mine', 'unknown kind'],
	])('%s is refused', (line, why) => {
		expect(parseCacheTarget(line, null, null)).toEqual({ problem: expect.stringContaining(why) });
	});

	it('is not repeated with the credentials in it', () => {
		const target = parseAtticUrl('attic://me:s3cret@cache.example/mine', null);
		expect(target).toEqual({ problem: expect.stringContaining('`token`') });
		expect(JSON.stringify(target)).not.toContain('s3cret');
	});

	it('gives back every name that attic allows, behind every prefix', () => {
		const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_+-]{0,49}$/);
		const prefix = fc.array(fc.stringMatching(/^[a-z0-9]{1,8}$/), { maxLength: 3 });
		fc.assert(
			fc.property(name, prefix, (cache, folders) => {
				const folder = folders.map((part) => `${part}/`).join('');
				const target = parseAtticUrl(`attic://cache.example/${folder}${cache}`, null);
				expect(target).toMatchObject({ cache, endpoint: new URL(`https://cache.example/${folder}`) });
			}),
		);
	});
});
