import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '..', 'src');

/** Rooms of src/ and the rooms that each may import from (its own always); ARCHITECTURE.md says why. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
	index: ['phases', 'program'],
	program: ['phases', 'cli'],
	cli: [
		'phases',
		'inputs',
		'cache-target',
		'state',
		'report',
		'push',
		'store',
		'setup',
		'preflight',
		'problem',
		'backends',
		'substituter',
		'nix',
		'http',
		'errors',
		'log',
		'quantity',
	],
	phases: [
		'inputs',
		'cache-target',
		'state',
		'report',
		'push',
		'store',
		'setup',
		'install',
		'hook',
		'preflight',
		'problem',
		'backends',
		'substituter',
		'background',
		'nix',
		'http',
		'errors',
		'log',
		'quantity',
	],
	state: ['setup', 'store', 'errors'],
	report: ['push', 'backends', 'nix', 'errors', 'quantity'],
	push: ['waiting', 'bodies', 'store', 'backends', 'nix', 'errors', 'log'],
	backends: ['waiting', 'bodies', 'cache-target', 'http', 'nix', 'errors', 'log'],
	background: ['errors'],
	substituter: ['background', 'backends', 'nix', 'errors', 'log'],
	install: ['waiting', 'setup', 'cache-target', 'http', 'nix', 'errors', 'log'],
	preflight: ['store', 'setup', 'cache-target', 'http', 'nix', 'errors', 'log', 'problem'],
	setup: ['store', 'nix', 'errors', 'log', 'problem'],
	hook: ['setup', 'store', 'nix', 'errors', 'log'],
	inputs: ['cache-target', 'quantity', 'backends', 'nix', 'errors'],
	'cache-target': [],
	quantity: [],
	store: ['waiting', 'nix', 'errors', 'log'],
	http: ['waiting', 'bodies', 'nix', 'errors', 'log', 'cache-target'],
	waiting: ['errors'],
	bodies: ['errors'],
	nix: ['errors'],
	errors: [],
	problem: ['log'],
	log: [],
};

/** What a room may take from another one beyond values: only types, whatever the room holds. */
const TYPES_ONLY: ReadonlySet<string> = new Set([
	'inputs -> backends',
	'push -> backends',
	'report -> backends',
	'report -> push',
	'install -> cache-target',
	'http -> bodies',
	'http -> cache-target',
	'substituter -> backends',
	'backends -> cache-target',
	'state -> setup',
	'state -> store',
	'preflight -> cache-target',
	'problem -> log',
]);

/** Files without I/O: no `node:` module but these, no package but tweetnacl. */
const PURE: readonly RegExp[] = [
	/^nix\//,
	/^push\/(?:plan|attribution)\.ts$/,
	/^hook\/(?:script|record)\.ts$/,
	/^backends\/actions-cache\/format\//,
	/^report\//,
	/^inputs\//,
	/^cache-target\//,
	/^cli\/(?:command|commands|help|completion|nearest|words|exit-status)\.ts$/,
	/^quantity\.ts$/,
	/^errors\.ts$/,
	/^problem\.ts$/,
	/^preflight\/(?:check-[a-z]+|facts|place)\.ts$/,
];
const PURE_MODULES: ReadonlySet<string> = new Set(['node:crypto', 'node:buffer', 'node:zlib', 'tweetnacl']);

/** What only some jobs or phases need: loaded when it is needed, and not with the bundle by every phase. */
const LOADED_LATER: readonly RegExp[] = [
	/^push\/(?:packing|pipeline|verify)\.ts$/,
	/^backends\/(?:attic|niks3|s3)\//,
	/^backends\/cachix\/cachix(?:-api)?\.ts$/,
	/^backends\/(?:binary-cache|file-store|http-store)\.ts$/,
	/^backends\/actions-cache\/(?:actions-cache|toolkit)\.ts$/,
	/^backends\/nix-copy\/nix-copy\.ts$/,
	/^(?:@aws-sdk\/.*|@actions\/(?:cache|tool-cache)|socks)$/,
];

interface Import {
	readonly file: string;
	readonly target: string;
	readonly typeOnly: boolean;
	/** `import()`: loaded when it comes to that. */
	readonly isLazy: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

function importsOf(file: string): readonly Import[] {
	const text = readFileSync(join(src, file), 'utf8');
	const found = [
		...text.matchAll(
			/^(?:import|export)\s+(type\s+)?(\{[^}]*\}|\*(?: as \w+)?|\w+)\s*from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm,
		),
	];
	return found.map((match) => ({
		file,
		target: match[3] ?? match[4] ?? '',
		typeOnly: match[1] !== undefined || /^\{(\s*type\s+\w+(\s+as\s+\w+)?\s*,?)+\}$/.test(match[2] ?? ''),
		isLazy: match[4] !== undefined,
	}));
}

const room = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : file.replace(/\.ts$/, ''));
const inside = (entry: Import): string => relative(src, normalize(join(src, dirname(entry.file), entry.target)));

/** What comes with a file: files of src/, packages, modules of Node's. */
function loadedWith(start: string): ReadonlySet<string> {
	const loaded = new Set([start]);
	for (const file of loaded) {
		if (!file.endsWith('.ts')) continue;
		for (const entry of importsOf(file).filter(({ typeOnly, isLazy }) => !typeOnly && !isLazy)) {
			loaded.add(entry.target.startsWith('.') ? inside(entry) : entry.target);
		}
	}
	return loaded;
}

describe('the layer rule', () => {
	const local = files.flatMap(importsOf).filter((entry) => entry.target.startsWith('.'));

	it('sees the imports at all', () => {
		expect(files.length).toBeGreaterThan(20);
		expect(local.length).toBeGreaterThan(40);
	});

	it('lets a room import only from the rooms under it', () => {
		const wrong = local
			.filter((entry) => room(entry.file) !== room(inside(entry)))
			.filter((entry) => !(ALLOWED[room(entry.file)] ?? []).includes(room(inside(entry))))
			.map((entry) => `${entry.file} -> ${inside(entry)}`);
		expect(wrong).toEqual([]);
	});

	it('keeps arrows that are for types free of values', () => {
		const wrong = local
			.filter((entry) => TYPES_ONLY.has(`${room(entry.file)} -> ${room(inside(entry))}`) && !entry.typeOnly)
			.map((entry) => `${entry.file} -> ${inside(entry)}`);
		expect(wrong).toEqual([]);
	});

	it('keeps the pure files free of I/O', () => {
		const wrong = files
			.filter((file) => PURE.some((pattern) => pattern.test(file)))
			.flatMap(importsOf)
			.filter((entry) => !entry.typeOnly && !entry.target.startsWith('.') && !PURE_MODULES.has(entry.target))
			.map((entry) => `${entry.file} -> ${entry.target}`);
		expect(wrong).toEqual([]);
	});

	it('loads with the bundle nothing that only some jobs need', () => {
		const loaded = loadedWith('program.ts');
		expect(loaded).toContain('phases/main.ts');
		expect(loaded).toContain('undici');
		expect([...loaded].filter((name) => LOADED_LATER.some((pattern) => pattern.test(name)))).toEqual([]);
		for (const pattern of LOADED_LATER.slice(0, -1)) expect(files.some((file) => pattern.test(file))).toBe(true);
	});

	it('loads no package before the end of the job has asked the store', () => {
		const loaded = [...loadedWith('index.ts')];
		expect(loaded).toContain('store/path-info.ts');
		expect(loaded.filter((name) => !name.endsWith('.ts') && !name.startsWith('node:'))).toEqual([]);
		// Nix waits for all of it.
		expect(loaded.length).toBeLessThan(50);
	});

	it('opens adapters in open.ts alone', () => {
		const adapters = new Set(['backends/http-store.ts']);
		const wrong = local
			.filter((entry) => adapters.has(inside(entry)) && !entry.typeOnly && entry.file !== 'backends/open.ts')
			.map((entry) => `${entry.file} -> ${inside(entry)}`);
		expect(wrong).toEqual([]);
	});
});
