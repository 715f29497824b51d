import { describe, expect, it } from 'vitest';
import { parseInputs } from '../../src/inputs/inputs.ts';
import { formatSecretKey, generateKey } from '../../src/nix/signature.ts';
import { mountsOf } from '../../src/phases/mounts.ts';
import type { Serving } from '../../src/phases/serving.ts';

type Asked = Parameters<typeof mountsOf>[1];
const nothing: Asked = { store: null, throughUs: [], proxied: [] };
const inputsOf = (given: Readonly<Record<string, string>>) => ({ inputs: parseInputs((name) => given[name] ?? '') });
const store = (pathCount: number): Serving['store'] => ({ label: 'the Actions cache', indexesFolder: '/indexes', pathCount });

describe('what the local substituter serves', () => {
	it('is nothing where Nix reads everything by itself, and not an empty store', () => {
		expect(mountsOf(inputsOf({ cache: 'https://a.example' }), nothing)).toEqual([]);
		expect(mountsOf(inputsOf({}), { ...nothing, store: store(0) })).toEqual([]);
	});

	it('is the Actions cache before cache.nixos.org, trusted only while there is no key to check', () => {
		expect(mountsOf(inputsOf({}), { ...nothing, store: store(3) })).toMatchObject([{ priority: 30, isTrusted: true }]);
		const secret = formatSecretKey(generateKey('test-1'));
		expect(mountsOf(inputsOf({ 'signing-key': secret }), { ...nothing, store: store(3) })).toMatchObject([{ isTrusted: false }]);
	});

	it('is a cache with its credentials; its priority is the URL’s, else its own, else after cache.nixos.org', () => {
		const throughUs = [{ line: 0, priority: 35 }];
		const mount = (cache: string, priority: number | null) =>
			mountsOf(inputsOf({ cache, token: 'secret' }), { ...nothing, throughUs: [{ line: 0, priority }] })[0];
		expect(
			mountsOf(inputsOf({ cache: 'https://a.example/nix?priority=10', token: 'secret' }), { ...nothing, throughUs }),
		).toEqual([
			{
				name: 'cache-1',
				label: 'https://a.example/nix',
				priority: 10,
				isTrusted: false,
				source: {
					kind: 'cache',
					line: 'https://a.example/nix?priority=10',
					credentials: { kind: 'bearer', token: 'secret' },
					proxy: null,
				},
			},
		]);
		expect(mount('https://a.example/nix', 35)?.priority).toBe(35);
		expect(mount('https://a.example/nix', null)?.priority).toBe(41);
	});

	it('is a cache that Nix is to trust without signatures where its URL says so, as if Nix read it by itself', () => {
		const trust = (cache: string, credentials: Readonly<Record<string, string>>) =>
			mountsOf(inputsOf({ cache, ...credentials }), { ...nothing, throughUs: [{ line: 0, priority: null }] })[0]?.isTrusted;
		expect(trust('https://a.example/nix?trusted=1', { token: 'secret' })).toBe(true);
		expect(trust('s3://a-bucket?region=eu-west-1&trusted=true', { username: 'id', password: 'secret' })).toBe(true);
		expect(trust('s3://a-bucket?trusted=false', { username: 'id', password: 'secret' })).toBe(false);
	});

	it('is each substituter with a proxy of its own, trusted when its URL says so', () => {
		const proxied = [
			{ line: 1, url: 'https://b.example?priority=5', proxy: 'http://proxy:1', priority: 40 },
			{ line: 2, url: 'https://c.example?trusted=1', proxy: 'socks5h://proxy:2', priority: 20 },
		];
		expect(mountsOf(inputsOf({}), { ...nothing, proxied })).toMatchObject([
			{ name: 'substituter-2', label: 'https://b.example?priority=5', priority: 5, isTrusted: false },
			{ name: 'substituter-3', priority: 20, isTrusted: true, source: { proxy: 'socks5h://proxy:2', credentials: null } },
		]);
	});
});
