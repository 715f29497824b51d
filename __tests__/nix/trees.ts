import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

/** A file system tree as data. Names and targets are bytes, since they need not be UTF-8. */
export type Tree =
	| { readonly kind: 'file'; readonly mode: number; readonly contents: Buffer }
	| { readonly kind: 'symlink'; readonly target: Buffer }
	| { readonly kind: 'directory'; readonly entries: readonly (readonly [name: Buffer, tree: Tree])[] };

const SLASH = Buffer.from('/');

function file(contents: string, mode = 0o644): Tree {
	return { kind: 'file', mode, contents: Buffer.from(contents) };
}

function symlink(target: string): Tree {
	return { kind: 'symlink', target: Buffer.from(target) };
}

function directory(...entries: readonly (readonly [name: string | Buffer, tree: Tree])[]): Tree {
	return { kind: 'directory', entries: entries.map(([name, tree]) => [Buffer.from(name), tree]) };
}

function nested(levels: number): Tree {
	return levels === 0 ? file('bottom\n') : directory(['d', nested(levels - 1)]);
}

/** The trees whose dumps by `nix-store --dump` lie in `golden/nar`, by name. Entries stand in no particular order. */
export const TREES: Readonly<Record<string, Tree>> = {
	'empty-file': file(''),
	'seven-bytes': file('1234567'),
	'eight-bytes': file('12345678'),
	'nine-bytes': file('123456789'),
	'binary-file': {
		kind: 'file',
		mode: 0o644,
		contents: Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) % 256)),
	},
	'executable-file': file('#!/bin/sh\n', 0o755),
	symlink: symlink('some/where'),
	'empty-directory': directory(),
	/** Only the owner's bit makes a file executable. */
	'mode-bits': directory(
		['0400', file('r', 0o400)],
		['0500', file('rx', 0o500)],
		['0644', file('rw', 0o644)],
		['0654', file('group x', 0o654)],
		['0744', file('owner x', 0o744)],
		['0755', file('all x', 0o755)],
	),
	symlinks: directory(
		['absolute', symlink('/nix/store')],
		['dangling', symlink('no such file')],
		['dot', symlink('.')],
		['long', symlink('x/'.repeat(2047))],
		['up', symlink('../../..')],
		['utf-8', symlink('é')],
	),
	/** Sorted by bytes: blank, `-`, `.`, letters, then what is beyond ASCII, and upper case before lower. */
	names: directory(
		['é', file('e with acute, composed\n')],
		['e\u0301', file('e with acute, decomposed\n')],
		[Buffer.from([0xff, 0xfe, 0x2d]), file('no UTF-8\n')],
		[Buffer.from([0x80]), file('no UTF-8 either\n')],
		['\u{1f600}', file('four bytes\n')],
		['\uffee', file('three bytes, after the surrogates of UTF-16\n')],
		['a.b', file('dot\n')],
		['a', directory(['z', file('in a\n')])],
		['a-b', file('dash\n')],
		['a b', file('blank\n')],
		['ab', file('ab\n')],
		['B', file('upper case\n')],
		['line\nbreak', file('line break\n')],
		['...', file('three dots\n')],
		['.hidden', file('hidden\n')],
		['n'.repeat(255), file('the longest name\n')],
	),
	nested: directory(
		['empty', directory()],
		['bin', directory(['tool', file('#!/bin/sh\necho tool\n', 0o555)], ['alias', symlink('tool')])],
		['share', directory(['doc', directory(['readme', file('Read me.\n')], ['empty', directory()])])],
	),
	/** As deep as Nix 2.34 restores: 63 components under the root. */
	deep: nested(63),
};

/** Makes `tree` at `path`, modes exactly as given. */
export function plantTree(path: Buffer, tree: Tree): void {
	switch (tree.kind) {
		case 'file':
			writeFileSync(path, tree.contents);
			chmodSync(path, tree.mode);
			return;
		case 'symlink':
			symlinkSync(tree.target, path);
			return;
		case 'directory':
			mkdirSync(path);
			for (const [name, child] of tree.entries) plantTree(Buffer.concat([path, SLASH, name]), child);
	}
}
