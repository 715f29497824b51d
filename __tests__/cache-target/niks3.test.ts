import { describe, expect, it } from 'vitest';
import { parseNiks3Url } from '../../src/cache-target/niks3.ts';
import { parseCacheTarget } from '../../src/cache-target/target.ts';

describe('the URL of a niks3 server', () => {
	it.each([
		['niks3://cache.example', { place: 'niks3://cache.example', href: 'https://cache.example/', parameters: '' }],
		[
			'niks3://cache.example:8443/nix/?priority=10',
			{ place: 'niks3://cache.example:8443/nix', href: 'https://cache.example:8443/nix/', parameters: '?priority=10' },
		],
		['niks3+http://127.0.0.1:5751?', { place: 'niks3+http://127.0.0.1:5751', href: 'http://127.0.0.1:5751/', parameters: '' }],
	])('%s is understood', (line, wanted) => {
		const target = parseCacheTarget(line, null, { kind: 'bearer', token: 'tok' });
		expect({ ...target, href: 'url' in target ? target.url.href : '' }).toMatchObject({ kind: 'niks3', token: 'tok', ...wanted });
	});

	it.each(['niks3:cache.example', 'niks3://', 'niks3+https://cache.example', 'niks3://a#b', 'niks3://a b'])(
		'%s is not one',
		(line) => {
			expect('problem' in parseCacheTarget(line, null, null)).toBe(true);
		},
	);

	it('shows no credentials that stand in it, and takes no password', () => {
		const inside = parseNiks3Url('niks3://user:s3cret@cache.example', null);
		const beside = parseNiks3Url('niks3://cache.example', { kind: 'basic', username: 'u', password: 's3cret' });
		expect(inside).toEqual({ problem: expect.stringContaining('`token`') });
		expect(beside).toEqual({ problem: expect.stringContaining('id-token: write') });
		expect(JSON.stringify([inside, beside])).not.toContain('s3cret');
	});
});
