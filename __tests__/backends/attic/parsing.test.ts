import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeCacheConfig, parseCacheConfig } from '../../../src/backends/attic/cache-config.ts';
import { tokenExpiryMs } from '../../../src/backends/attic/token.ts';
import { isCacheError } from '../../../src/errors.ts';
import { formatPublicKey, generateKey, publicKeyOf } from '../../../src/nix/signature.ts';

const publicKey = formatPublicKey(publicKeyOf(generateKey('mine')));

describe('the configuration that an attic server tells', () => {
	it('is read with everything in it', () => {
		const text = JSON.stringify({
			substituter_endpoint: 'https://cdn.example/mine',
			api_endpoint: 'https://api.example/',
			public_key: publicKey,
			is_public: true,
			store_dir: '/nix/store',
			priority: 41,
			upstream_cache_key_names: ['cache.nixos.org-1'],
			retention_period: { Period: 86400 },
			something_new: [1],
		});
		const config = parseCacheConfig(text, 'attic://a/mine');
		expect(config).toMatchObject({
			substituterEndpoint: 'https://cdn.example/mine',
			apiEndpoint: 'https://api.example/',
			isPublic: true,
			storeDir: '/nix/store',
			priority: 41,
			upstreamKeyNames: ['cache.nixos.org-1'],
			retentionSeconds: 86400,
		});
		expect(describeCacheConfig(config)).toBe(`public, priority 41, kept for 86400 s, signed by ${publicKey}`);
	});

	it('may leave out what is not needed: then it is private, and nothing is filtered', () => {
		const config = parseCacheConfig(JSON.stringify({ public_key: publicKey, retention_period: 'Global' }), 'attic://a/mine');
		expect(config).toMatchObject({ isPublic: false, upstreamKeyNames: [], substituterEndpoint: null, retentionSeconds: null });
	});

	it('is never more than refused, whatever comes in its place', () => {
		const field = fc.constantFrom(
			'public_key',
			'is_public',
			'store_dir',
			'priority',
			'upstream_cache_key_names',
			'retention_period',
		);
		const text = fc.oneof(
			fc.string(),
			fc.json(),
			fc.dictionary(field, fc.jsonValue()).map((fields) => JSON.stringify(fields)),
		);
		fc.assert(
			fc.property(text, (input) => {
				try {
					parseCacheConfig(input, 'attic://a/mine');
				} catch (error) {
					expect(isCacheError(error, 'cache-invalid')).toBe(true);
				}
			}),
		);
	});
});

describe('the end of a token', () => {
	const tokenOf = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

	it('is its claim `exp`', () => {
		expect(tokenExpiryMs(tokenOf({ exp: 4102324986, sub: 'ci' }))).toBe(4102324986000);
	});

	it('is not known where it says nothing of it, or is no JWT', () => {
		for (const token of [
			'',
			'opaque',
			'a.b',
			'a.b.c',
			tokenOf({}),
			tokenOf({ exp: 'soon' }),
			tokenOf({ exp: -1e300 }),
			tokenOf(null),
			tokenOf([1]),
		]) {
			expect(tokenExpiryMs(token)).toBeNull();
		}
		fc.assert(
			fc.property(fc.string(), fc.jsonValue(), (text, claims) => void [tokenExpiryMs(text), tokenExpiryMs(tokenOf(claims))]),
		);
	});
});
