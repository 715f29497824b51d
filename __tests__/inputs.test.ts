import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CacheError } from '../src/errors.ts';
import { type GetInput, INPUT_NAMES, inputFromEnv, SECRET_INPUTS } from '../src/inputs/given.ts';
import { parseInputs } from '../src/inputs/inputs.ts';
import { secretTexts } from '../src/inputs/secrets.ts';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../src/nix/signature.ts';

const key = generateKey('test-1');
const secret = formatSecretKey(key);
const from =
	(given: Readonly<Record<string, string>>): GetInput =>
	(name) =>
		(given[name] ?? '').trim();

function refusal(given: Readonly<Record<string, string>>): string {
	try {
		parseInputs(from(given));
	} catch (error) {
		expect(error).toBeInstanceOf(CacheError);
		if (error instanceof CacheError) {
			expect(error.code).toBe('input-invalid');
			return error.message;
		}
	}
	throw new Error('the inputs were taken');
}

interface Action {
	readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: string }>>;
	readonly outputs: Readonly<Record<string, unknown>>;
}

describe('inputs', () => {
	it('has every input of action.yml and no other', () => {
		const text = readFileSync(join(import.meta.dirname, '..', 'action.yml'), 'utf8');
		const section = text.slice(text.indexOf('\ninputs:'), text.indexOf('\noutputs:'));
		const declared = [...section.matchAll(/^ {2}([a-z-]+):$/gm)].map((match) => match[1]);
		expect([...INPUT_NAMES].sort()).toEqual(declared.sort());
	});

	it('documents every input, with its default, and every output in README', () => {
		const action: Action = parse(readFileSync(join(import.meta.dirname, '..', 'action.yml'), 'utf8'));
		const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
		const rows = [...readme.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*) +\| (?:`([^`]*)`)? *\|/gm)];
		const shown = rows.flatMap(([, names = '', value = '']) => [...names.matchAll(/[a-z-]+/g)].map(([name]) => [name, value]));
		const forPeople = Object.entries(action.inputs).filter(([, { description }]) => description !== 'Not for people to set.');
		const defaults = forPeople.map(([name, { default: value = '' }]) => [name, value]);
		expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(defaults));
		for (const name of [...INPUT_NAMES, ...Object.keys(action.outputs)]) expect(readme).toContain(`\`${name}\``);
	});

	it('takes all of them empty, as a pull request from a fork has them', () => {
		const inputs = parseInputs(from({}));
		expect(inputs.caches).toEqual([{ kind: 'actions-cache' }]);
		expect(inputs.push).toBe('auto');
		expect(inputs.signingKey).toBeNull();
		expect(inputs.pushTimeoutMs).toBe(600_000);
	});

	it('takes a cache whose secrets are empty as one to read from', () => {
		const inputs = parseInputs(from({ cache: 'https://cache.example/nix', username: 'ci', password: '' }));
		expect(inputs.caches).toEqual([expect.objectContaining({ kind: 'http', credentials: null })]);
	});

	it('takes a release of Nix to install, and says what is wrong with one', () => {
		expect(parseInputs(from({ 'install-nix': '2.31.2' })).installNix?.version).toBe('2.31.2');
		expect(parseInputs(from({})).installNix).toBeNull();
		expect(refusal({ 'install-nix': 'latest' })).toContain('install-nix: "latest" is not one version');
		expect(secretTexts(from({ 'install-nix': '2.31.2 https://ci:hunter22@mirror.example' }))).toContain('hunter22');
	});

	it('takes lists with CRLF, blank lines and blanks around', () => {
		const inputs = parseInputs(
			from({ 'trusted-public-keys': `\r\n  ${formatPublicKey(publicKeyOf(key))}  \r\n\r\n`, exclude: 'foo\r\n\r\nbar.*baz\r\n' }),
		);
		expect(inputs.trustedPublicKeys.map((one) => one.name)).toEqual(['test-1']);
		expect(inputs.exclude.map(String)).toEqual(['/foo/u', '/bar.*baz/u']);
	});

	it('keeps the path of the base URL, and Nix parameters for Nix alone', () => {
		const target = parseInputs(from({ cache: 'https://cache.example/a/b?priority=10' })).caches[0];
		expect(target).toMatchObject({
			url: new URL('https://cache.example/a/b'),
			substituter: 'https://cache.example/a/b?priority=10',
		});
	});

	it('takes a time that no timer of Node can hold for the longest that one can', () => {
		expect(parseInputs(from({ 'push-timeout': '1000 h' })).pushTimeoutMs).toBe(2 ** 31 - 1);
	});

	it('reports all problems together, each with its input and what is allowed', () => {
		const message = refusal({
			cache: 'foo://x',
			push: 'sometimes',
			exclude: '(',
			'max-path-size': 'big',
			compression: 'zip',
			concurrency: '0',
			'push-timeout': 'soon',
		});
		for (const part of [
			'cache:',
			'push:',
			'`auto`',
			'exclude:',
			'max-path-size:',
			'2 GiB',
			'compression:',
			'concurrency:',
			'push-timeout:',
		]) {
			expect(message).toContain(part);
		}
		expect(message).toContain('7 inputs are wrong');
	});

	it.each([
		['gopher://host', 'unknown kind'],
		['cache.example.org', 'has no scheme'],
		['https://', 'is not a URL'],
	])('refuses the cache %s and lists the kinds that are built', (cache, why) => {
		expect(refusal({ cache })).toContain(why);
		expect(refusal({ cache })).toContain('https://');
	});

	it.each([
		{ cache: 'https://a.example/x https://b.example/y' },
		{ cache: 'https://a.example/x, https://b.example/y' },
		{ cache: 'attic://a.example/x attic://b.example/y' },
		{ cache: 'niks3://a.example/x niks3://b.example/y' },
		{ substituters: 'https://a.example/x\thttps://b.example/y' },
		{ cache: 'https://a.example', 'push-url': 'https://a.example/x https://b.example/y' },
	])('does not take several URLs in one line for one: %o', (given) => {
		expect(refusal(given)).toContain('a blank inside; each URL has a line of its own');
	});

	it('does not leave parameters unheard that are for `nix copy`', () => {
		for (const url of ['https://a.example/x?priority=10&secret-key=/k', 'file:///x?secret-key=/k', 's3://bucket?secret-key=/k'])
			expect(refusal({ cache: url }), url).toContain('has the parameter `secret-key`: use the input `signing-key`.');
		expect(refusal({ cache: 'http://a.example?compression=xz' })).toContain('use the input `compression`');
		expect(refusal({ cache: 's3://bucket?constructor=1' })).toContain('has the unknown parameter `constructor`');
	});

	it('refuses a URL that ends with `#`, where nix.conf would end too', () => {
		for (const name of ['cache', 'substituters']) expect(refusal({ [name]: 'https://a.example/x#' })).toContain('has a fragment');
	});

	it('refuses a URL with credentials inside without showing them', () => {
		const message = refusal({ cache: 'https://user:s3cr3t-word@cache.example/nix' });
		expect(message).toContain('`username` and `password`');
		expect(message).not.toContain('s3cr3t-word');
	});

	it.each([
		['a key without name', secret.slice(secret.indexOf(':') + 1)],
		['a key that is too short', `${secret.slice(0, 40)}`],
		['a public key in place of the secret one', formatPublicKey(publicKeyOf(key))],
		['a key that is not base64', 'test-1:%%%%'],
	])('refuses %s as signing-key without showing it', (_what, given) => {
		const message = refusal({ 'signing-key': given });
		expect(message).toContain('signing-key:');
		expect(message).not.toContain(given.slice(given.indexOf(':') + 1));
	});

	it('takes a key without name for a cache of Cachix, whose tools write it so', () => {
		const nameless = secret.slice(secret.indexOf(':') + 1);
		const { signingKey } = parseInputs(from({ cache: 'cachix://mine', 'signing-key': nameless }));
		expect(signingKey === null ? null : formatSecretKey(signingKey)).toBe(`mine.cachix.org-1:${nameless}`);
		expect(parseInputs(from({ cache: 'cachix://mine', 'signing-key': secret })).signingKey?.name).toBe('test-1');
	});

	it('refuses a compression that Cachix or niks3 does not take', () => {
		expect(refusal({ cache: 'cachix://mine', compression: 'gzip' })).toContain('takes `zstd`, `xz`.');
		expect(refusal({ cache: 'niks3://n.example', compression: 'br' })).toContain('takes `zstd`, `xz`, `none`.');
		expect(parseInputs(from({ cache: 'cachix://mine', compression: 'xz' })).compression).toBe('xz');
	});

	it('refuses a password without a user, and a token beside a password', () => {
		expect(refusal({ cache: 'https://c.example', password: 'pw' })).toContain('username:');
		expect(refusal({ cache: 'https://c.example', username: 'u', password: 'pw', token: 't' })).toContain('token:');
	});

	it('refuses a token that no header can carry', () => {
		for (const token of ['it’s', 'a\tb', 'a\u0000b'])
			expect(refusal({ cache: 'https://a', token })).toContain('no header can carry');
		expect(parseInputs(from({ cache: 'https://a', token: 'a.b-c_d~e+f/=' })).caches).toHaveLength(1);
	});

	it('refuses a folder that nix.conf can not name', () => {
		for (const cache of ['file:///my cache', 'file:///a\tb', 'file:///a%20b'])
			expect(refusal({ cache })).toContain('no blanks and no per cent signs');
	});

	it('knows a password with slashes, with which the line is no URL, and shows nothing of it', () => {
		for (const line of ['https://user:ab/cd@host/x', 'niks3://user:ab/cd@host', 'attic://me:ab/c@d/cd@host/x']) {
			expect(secretTexts(from({ cache: line })).some((text) => text.startsWith('ab/c'))).toBe(true);
			expect(refusal({ cache: line })).not.toContain('ab/c');
		}
	});

	it('keeps levels inside of what their compression has', () => {
		expect(parseInputs(from({ 'compression-level': '19' })).compressionLevel).toBe(19);
		expect(refusal({ 'compression-level': '20' })).toContain('1 to 19');
		expect(refusal({ compression: 'none', 'compression-level': '1' })).toContain('leave it out');
	});

	it('knows the secrets of any inputs, wrong ones too, and their base64 forms', () => {
		const given = {
			username: 'ci',
			password: 'pass word',
			token: 'tok-123',
			'signing-key': `${secret}\n`,
			netrc: 'machine a login b password cccc-dddd',
		};
		const known = secretTexts(from(given));
		expect(known).toContain('pass word');
		expect(known).toContain(Buffer.from('ci:pass word').toString('base64'));
		expect(known).toContain('tok-123');
		expect(known).toContain(Buffer.from('token:tok-123').toString('base64'));
		expect(known).toContain(secret);
		expect(known).toContain(secret.slice(secret.indexOf(':') + 1));
		expect(known).toContain('cccc-dddd');
		expect(known).not.toContain('');
	});

	it('knows the credentials of a proxy, written plainly and encoded', () => {
		const given =
			'https://a.example?proxy=http://ci:hunter22@p:1\nhttps://b.example?proxy=socks5%3A%2F%2Fci%3Aswo%2540rdfish@p:2';
		expect(secretTexts(from({ substituters: given }))).toEqual(
			expect.arrayContaining(['hunter22', 'swo%40rdfish', 'swo@rdfish']),
		);
	});

	it('takes the user name of an SSH URL for none, and its password for one', () => {
		expect(secretTexts(from({ cache: 'ssh-ng://ci@host' }))).toEqual([]);
		expect(secretTexts(from({ cache: 'ssh://ci:hunter2@host' }))).toContain('hunter2');
		expect(secretTexts(from({ cache: 'https://tok-123@host' }))).toContain('tok-123');
	});

	it('never throws anything but its own error, and never shows a secret in it', () => {
		fc.assert(
			fc.property(fc.constantFrom(...INPUT_NAMES), fc.string({ minLength: 12 }), (name, value) => {
				try {
					parseInputs(from({ [name]: value }));
				} catch (error) {
					expect(error).toBeInstanceOf(CacheError);
					if (SECRET_INPUTS.has(name) && value.trim().length >= 12 && error instanceof Error)
						expect(error.message).not.toContain(value.trim());
				}
			}),
		);
	});

	it('reads the variables that the runner sets: capitals, hyphens kept', () => {
		const get = inputFromEnv({ 'INPUT_SIGNING-KEY': ' x ', INPUT_PUSH: 'never' });
		expect(get('signing-key')).toBe('x');
		expect(get('push')).toBe('never');
		expect(get('cache')).toBe('');
	});
});
