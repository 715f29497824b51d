import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf } from '../../src/nix/signature.ts';
import { checkAnswers, checkClock, checkPriorities } from '../../src/preflight/check-caches.ts';
import { checkKeyNames, checkKeysReadable, checkKeysThere } from '../../src/preflight/check-keys.ts';
import { checkDisks, checkVersion } from '../../src/preflight/check-machine.ts';
import { checkHidden, checkSubstitution, checkTrust } from '../../src/preflight/check-settings.ts';
import type { Answer, Disk, Facts } from '../../src/preflight/facts.ts';
import { PROBLEM_CODES, type Problem } from '../../src/problem.ts';
import { parseNixVersion } from '../../src/store/nix-about.ts';
import { parseSettings } from '../../src/store/settings.ts';

const CACHE = 'https://cache.example.org/nix';
const USUAL = 'cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=';
const key = publicKeyOf(generateKey('mine-1'));
const ours = formatPublicKey(key);
const theirs = formatPublicKey(publicKeyOf(generateKey('mine-1')));
const GIB = 2 ** 30;

const settings = (values: Readonly<Record<string, unknown>>) =>
	parseSettings(JSON.stringify(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))));
const EFFECTIVE = {
	substituters: [CACHE, 'https://cache.nixos.org/'],
	'trusted-public-keys': [USUAL, ours],
	'netrc-file': '/tmp/ours/netrc',
};
const effective = (changes: Readonly<Record<string, unknown>> = {}) => settings({ ...EFFECTIVE, ...changes });

const wish = { substituters: [CACHE], publicKeys: [ours], netrc: [], other: [] };
const told = { route: 'user-file', wish, netrcFile: '/tmp/ours/netrc' } as const;
const answer = (changes: Partial<Answer> = {}): Answer => ({
	url: CACHE,
	info: { storeDir: '/nix/store', wantMassQuery: true, priority: 41 },
	trouble: null,
	aheadMs: 400,
	...changes,
});
const usual = answer({ url: 'https://cache.nixos.org/', info: { storeDir: '/nix/store', wantMassQuery: true, priority: 40 } });
const disk = (freeBytes: number, folder = '/nix/store', device = 1): Disk => ({
	holds: folder === '/tmp' ? 'temp' : 'store',
	folder,
	device,
	freeBytes,
});

/** All is well; `changes` is what is not. */
const facts = (changes: Partial<Facts> = {}): Facts => ({
	nix: parseNixVersion('nix (Nix) 2.26.3'),
	trust: 'trusted',
	effective: effective(),
	told,
	wished: null,
	sources: [],
	keys: { signing: key, ofCaches: [], areKnown: true, unsignedCaches: [CACHE] },
	answers: [answer(), usual],
	disks: [disk(20 * GIB), disk(20 * GIB, '/tmp')],
	...changes,
});

const nixConfig = (text: string) => [{ name: 'The environment variable NIX_CONFIG', text }];
const hidden = effective({ substituters: ['https://cache.nixos.org/'] });
const unknownKeys = { signing: null, ofCaches: [], areKnown: false, unsignedCaches: [CACHE] };
const hour = 3_600_000;

const wished = { wish, user: 'runner', confFile: '/etc/nix/nix.conf' };

/** A wrong set-up for each code, with the check that sees it. */
const WRONG: Readonly<Record<string, readonly [(facts: Facts) => readonly Problem[], Partial<Facts>]>> = {
	'daemon-distrusts': [checkTrust, { trust: 'untrusted', told: null, wished, effective: hidden }],
	'config-hidden': [checkHidden, { effective: hidden, sources: nixConfig('substituters = https://cache.nixos.org/') }],
	'substitution-off': [checkSubstitution, { effective: effective({ substitute: false }) }],
	'key-missing': [checkKeysThere, { keys: unknownKeys, effective: effective({ 'trusted-public-keys': [USUAL] }) }],
	'key-name-taken': [checkKeyNames, { effective: effective({ 'trusted-public-keys': [theirs, ours] }) }],
	'key-unreadable': [
		checkKeysReadable,
		{ effective: effective({ 'trusted-public-keys': [USUAL, 'other-1:REPLACE-WITH-YOUR-PUBLIC-KEY='] }) },
	],
	'substituter-unusable': [
		checkAnswers,
		{ answers: [answer({ info: null, trouble: { what: 'it has no `nix-cache-info`', hint: null, isRefusal: false } })] },
	],
	'priority-missing': [
		checkPriorities,
		{ answers: [answer({ info: { storeDir: null, wantMassQuery: false, priority: null } }), usual] },
	],
	'nix-unsafe': [checkVersion, { nix: parseNixVersion('nix (Nix) 2.24.3') }],
	'clock-wrong': [checkClock, { answers: [answer({ aheadMs: hour })] }],
	'disk-low': [checkDisks, { disks: [disk(GIB / 2), disk(20 * GIB, '/tmp', 2)] }],
};

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'troubleshooting.md'), 'utf8');

describe('a wrong set-up', () => {
	it('is made for every code of preflight', () => {
		const bySetup = ['credentials-not-taken', 'netrc-unreadable'];
		expect([...Object.keys(WRONG), ...bySetup].sort()).toEqual([...PROBLEM_CODES].sort());
	});

	it.each(Object.entries(WRONG))(
		'%s is one problem, whose text alone is enough to act on, as the page has it',
		(code, [check, changes]) => {
			const found = check(facts(changes));
			expect(found.map((problem) => problem.code)).toEqual([code]);
			const { message, fix, title } = found[0] ?? expect.unreachable();
			expect(message).toMatch(/^\S.*\.$/);
			// A line to write, a command to run, or what to look at, and a full sentence.
			expect(fix).toMatch(/^[A-Z].*`.+`.*\.$/);
			expect(title.length).toBeLessThan(60);
			const [, shown = ''] = new RegExp(`^### ${code}\\n[^]*?\`\`\`\\n(.*)\\n\`\`\``, 'm').exec(page) ?? [];
			const pattern = shown
				.split('…')
				.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
				.join('.*');
			expect(`${message} ${fix}`).toMatch(new RegExp(`^${pattern}$`));
		},
	);

	it.each(Object.entries(WRONG))('%s is not seen where all is well', (_code, [check]) => {
		expect(check(facts())).toEqual([]);
	});
});

describe('what Nix was told', () => {
	it('is not looked for where nothing was told', () => {
		for (const check of [checkHidden, checkSubstitution, checkKeyNames, checkKeysThere]) {
			expect(check(facts({ told: null, effective: settings({ substitute: false }), keys: unknownKeys }))).toEqual([]);
		}
	});

	it.each([
		['substituters = https://b', 'extra-substituters'],
		['x = y\n  binary-caches =   https://b # comment', 'extra-binary-caches'],
	])('is hidden by %j, and the way out has the same name', (text, name) => {
		const [problem] = checkHidden(facts({ effective: hidden, sources: nixConfig(text) }));
		expect(problem?.fix).toBe(`Write \`${name}\` there.`);
		expect(problem?.message).not.toContain('https://b');
	});

	it('is hidden in several ways by one text, which is one problem', () => {
		const all = settings({ substituters: [], 'trusted-public-keys': [], 'netrc-file': '/other' });
		const sources = nixConfig('substituters =\ntrusted-public-keys =\nnetrc-file = /other\n');
		expect(checkHidden(facts({ effective: all, sources })).map(({ fix }) => fix)).toEqual([
			'Write `extra-substituters` and `extra-trusted-public-keys` there, and leave `netrc-file` out there and give its entries in `netrc`.',
		]);
	});

	it('may be hidden by something that is not to be seen, which is said with where to look', () => {
		for (const sources of [[], nixConfig('not a configuration'), nixConfig('extra-substituters = https://b')]) {
			const [problem] = checkHidden(facts({ effective: hidden, sources }));
			expect(problem?.fix).toContain('`nix config show substituters`');
		}
	});

	it('is known again where Nix writes the parameters of a URL in another order', () => {
		const url = 'ssh-ng://ci@far?ssh-key=/k&base64-ssh-public-host-key=AA=';
		const changes = effective({ substituters: ['ssh-ng://ci@far?base64-ssh-public-host-key=AA%3D&ssh-key=/k'] });
		expect(checkHidden(facts({ told: { ...told, wish: { ...wish, substituters: [url] } }, effective: changes }))).toEqual([]);
	});

	it('counts as the daemon has it where that does not trust the user: his keys and netrc are nothing to it', () => {
		const changes = settings({ substituters: [`${CACHE}/`], 'trusted-public-keys': [], 'netrc-file': '/other' });
		expect(checkHidden(facts({ trust: 'untrusted', effective: changes }))).toEqual([]);
	});
});

describe('keys', () => {
	it('need not be there where signatures are not asked for, or for this cache alone', () => {
		const usualKeys = { 'trusted-public-keys': [USUAL] };
		expect(checkKeysThere(facts({ keys: unknownKeys, effective: effective({ ...usualKeys, 'require-sigs': false }) }))).toEqual(
			[],
		);
		const trusted = { ...unknownKeys, unsignedCaches: [`${CACHE}?trusted=1`] };
		expect(checkKeysThere(facts({ keys: trusted, effective: effective(usualKeys) }))).toEqual([]);
		const others = effective({ 'trusted-public-keys': [USUAL, theirs] });
		expect(checkKeysThere(facts({ keys: unknownKeys, effective: others }))).toEqual([]);
	});

	it('of one name do no harm when ours is the first, or the same', () => {
		const same = effective({ 'trusted-public-keys': [ours, ours] });
		const first = effective({ 'trusted-public-keys': [ours, theirs] });
		const named = { signing: key, ofCaches: [theirs], areKnown: true, unsignedCaches: [] };
		const second = effective({ 'trusted-public-keys': [theirs, ours] });
		// The cache refuses that key by itself.
		expect(checkKeyNames(facts({ keys: named, effective: second }))).toEqual([]);
		for (const changes of [same, first]) expect(checkKeyNames(facts({ effective: changes }))).toEqual([]);
	});
});

describe('a key that Nix can not read', () => {
	const check = (entry: string, changes: Partial<Facts> = {}) =>
		checkKeysReadable(facts({ effective: effective({ 'trusted-public-keys': [USUAL, entry] }), ...changes }));

	it.each(['REPLACE', 'other-1:', 'other-1:…', ':6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=', ours.replace(/.{4}=$/, '=')])(
		'is %j',
		(entry) => expect(check(entry).map(({ code }) => code)).toEqual(['key-unreadable']),
	);

	it('is none without its padding, nor where nobody reads it', () => {
		expect(check(ours.replace(/=+$/, ''))).toEqual([]);
		expect(check('REPLACE', { trust: 'untrusted' })).toEqual([]);
		const unsigned = effective({ 'trusted-public-keys': ['REPLACE'], 'require-sigs': false });
		expect(check('', { effective: unsigned })).toEqual([]);
	});

	it('is told with its place and without what may be a secret, also where this step told Nix nothing', () => {
		const secret = formatSecretKey(generateKey('other-1'));
		const sources = nixConfig(`extra-trusted-public-keys = ${secret}`);
		const [problem] = check(secret, { sources, told: null });
		expect(problem?.message).toContain("can't read `other-1:…` in");
		expect(problem?.fix).toContain('take it out of the environment variable NIX_CONFIG');
		expect(JSON.stringify(problem)).not.toContain(secret.slice(8, 30));
	});
});

describe('caches', () => {
	it('without a priority are no trouble when they are alone, or their URL has one', () => {
		const silent = { storeDir: null, wantMassQuery: false, priority: null };
		for (const url of [CACHE, `${CACHE}?priority=0`]) {
			const answers = url === CACHE ? [answer({ info: silent })] : [answer({ url, info: silent }), usual];
			expect(checkPriorities(facts({ answers }))).toEqual([]);
		}
	});

	it('of which one has the time of this machine show whose clock is wrong', () => {
		const fixes = (answers: readonly Answer[]): readonly string[] => checkClock(facts({ answers })).map(({ fix }) => fix);
		expect(fixes([answer({ aheadMs: -hour }), usual])[0]).toContain('on cache.example.org: ');
		expect(fixes([answer({ aheadMs: -hour }), { ...usual, aheadMs: -hour }])[0]).toContain('on this machine');
		expect(fixes([answer({ aheadMs: 4 * 60_000 }), answer({ aheadMs: null })])).toEqual([]);
	});
});

describe('disks', () => {
	it('that are one are said once', () => {
		const [problem] = checkDisks(facts({ disks: [disk(GIB / 2), disk(GIB / 2, '/tmp')] }));
		expect(problem?.message).not.toContain('/tmp');
		expect(checkDisks(facts({ disks: [disk(20 * GIB), disk(GIB / 2, '/tmp', 2)] }))[0]?.fix).toContain('RUNNER_TEMP');
	});

	it('may have more than we want and less than Nix does', () => {
		const [problem] = checkDisks(facts({ effective: effective({ 'min-free': 30 * GIB }) }));
		expect(problem?.fix).toContain('`min-free`');
	});
});

describe('versions of Nix', () => {
	it.each(['2.24.6', '2.24.10', '2.23.3', '2.25.0', '2.34.8'])('%s are safe', (version) => {
		expect(checkVersion(facts({ nix: parseNixVersion(`nix (Nix) ${version}`) }))).toEqual([]);
	});
});
