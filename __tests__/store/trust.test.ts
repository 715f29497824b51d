import { describe, expect, it } from 'vitest';
import { isTrustedUser, parseTrusted } from '../../src/store/trust.ts';

describe('trust', () => {
	it('is given by name, by group and to everyone', () => {
		expect(isTrustedUser(['root', 'me'], 'me', [])).toBe(true);
		expect(isTrustedUser(['root', '@wheel'], 'me', ['users', 'wheel'])).toBe(true);
		expect(isTrustedUser(['*'], 'me', [])).toBe(true);
	});

	it('is not given by a group of the same name as the user, nor to others', () => {
		expect(isTrustedUser(['@me'], 'me', ['users'])).toBe(false);
		expect(isTrustedUser(['users'], 'me', ['users'])).toBe(false);
		expect(isTrustedUser(['root', '@wheel'], 'me', ['users'])).toBe(false);
		expect(isTrustedUser([], 'me', ['users'])).toBe(false);
	});

	it('is what the daemon says', () => {
		const said = (trusted: string): boolean | null => parseTrusted(`{"url":"daemon",${trusted}"version":"2.26.3"}`);
		expect(['"trusted":1,', '"trusted":true,', '"trusted":0,', '"trusted":false,', '"trusted":null,', ''].map(said)).toEqual([
			true,
			true,
			false,
			false,
			null,
			null,
		]);
		expect(parseTrusted('no JSON')).toBeNull();
	});
});
