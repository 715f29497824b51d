import { describe, expect, it } from 'vitest';
import { forbidsSubstitutes, parseDerivationOutputs } from '../../src/nix/derivation.ts';

const OUT = '/nix/store/64fh21r7zkdrwa8n7w5d7hbkk51fxnkk-app-b';
const rest = ',[],[],"x86_64-linux","/bin/sh",["-c","echo \\"hi\\""],[("name","app-b")])';

describe('the outputs of a derivation', () => {
	it.each([
		['one', `[("out","${OUT}","","")]`, [{ name: 'out', path: OUT }]],
		[
			'several',
			`[("doc","${OUT}-doc","",""),("out","${OUT}","","")]`,
			[
				{ name: 'doc', path: `${OUT}-doc` },
				{ name: 'out', path: OUT },
			],
		],
		['one of a fixed hash', `[("out","${OUT}","r:sha256","c0ffee")]`, [{ name: 'out', path: OUT }]],
		['one whose path depends on its content', '[("out","","r:sha256","")]', [{ name: 'out', path: null }]],
	])('are read: %s', (_what, outputs, expected) => {
		expect(parseDerivationOutputs(`Derive(${outputs}${rest}`)).toEqual(expected);
		expect(parseDerivationOutputs(`DrvWithVersion("xp-dyn-drv",${outputs}${rest}`)).toEqual(expected);
		expect(parseDerivationOutputs(`Derive(${outputs}`)).toEqual(expected);
	});

	it.each([
		'',
		'Derive(',
		'Derive([',
		'Derive([]',
		`Derive([("out","${OUT}","","")`,
		'Derive([("out","a\\"b","","")]',
		'{"outputs":{}}',
		'<html>',
	])('are refused in `%s`', (text) => {
		expect(() => parseDerivationOutputs(text)).toThrow(expect.objectContaining({ code: 'format-invalid' }));
	});
});

describe('allowSubstitutes = false', () => {
	const withEnv = (env: string): string =>
		`Derive([("out","${OUT}","","")],[("/nix/store/x.drv",["out"])],[],"x86_64-linux","/bin/sh",["-c"],[${env}])`;

	it.each([
		['false', '("allowSubstitutes",""),("name","a")', true],
		['true', '("allowSubstitutes","1"),("name","a")', false],
		['not said', '("name","a")', false],
		['said in a text', '("text","(\\"allowSubstitutes\\",\\"\\")")', false],
		['false, structured', '("__json","{\\"a\\":\\"\\\\n\\",\\"allowSubstitutes\\":false,\\"b\\":\\"\\\\\\"\\"}")', true],
		['true, structured', '("__json","{\\"allowSubstitutes\\":true}")', false],
		['inside of another attribute', '("__json","{\\"a\\":{\\"allowSubstitutes\\":false}}")', false],
		['JSON that is cut off', '("__json","{\\"allowSubstitutes\\":false")', false],
	])('is read: %s', (_what, env, expected) => {
		expect(forbidsSubstitutes(withEnv(env))).toBe(expected);
	});
});
