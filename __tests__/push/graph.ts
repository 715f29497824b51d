import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Presence } from '../../src/backends/backend.ts';
import { encodeBase32 } from '../../src/nix/base32.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import type { Candidates, PushRules } from '../../src/push/plan.ts';

/** A full store path whose hash part follows from the name. */
export function storePath(name: string): string {
	return `/nix/store/${encodeBase32(createHash('sha1').update(name).digest())}-${name}`;
}

/** Path info with everything that a test does not care about filled in. */
export function pathInfo(name: string, more: Partial<PathInfo> = {}): PathInfo {
	return {
		path: storePath(name),
		narHash: { algorithm: 'sha256', digest: createHash('sha256').update(name).digest() },
		narSizeBytes: 1000,
		references: [],
		deriver: null,
		signatures: [],
		ca: null,
		ultimate: true,
		...more,
	};
}

export const NO_RULES: PushRules = {
	include: [],
	exclude: [],
	maxPathSizeBytes: null,
	skipSignedBy: [],
	explicitPaths: false,
	wholeClosures: false,
	upstream: new Map(),
};

/** All infos are roots unless `roots` says otherwise. */
export function candidatesOf(
	infos: readonly PathInfo[],
	roots?: readonly PathInfo[],
	vanished: readonly string[] = [],
): Candidates {
	return {
		infos: new Map(infos.map((info) => [info.path, info])),
		roots: new Set((roots ?? infos).map((info) => info.path)),
		vanished,
	};
}

/** A random store, random rules and what a random cache has of it. References point to earlier paths or to the path itself. */
export interface Scenario {
	readonly infos: readonly PathInfo[];
	readonly candidates: Candidates;
	readonly rules: PushRules;
	readonly presence: ReadonlyMap<string, Presence>;
}

const node = fc.record({
	references: fc.array(fc.nat({ max: 40 }), { maxLength: 4 }),
	self: fc.boolean(),
	kind: fc.constantFrom('lib', 'lib', 'lib', 'app', 'secret', 'source.drv'),
	narSizeBytes: fc.constantFrom(10, 100, 1000),
	signedBy: fc.constantFrom('', '', '', 'upstream-1', 'other-1'),
	atUpstream: fc.constantFrom(false, false, false, true),
	isRoot: fc.boolean(),
	state: fc.constantFrom('valid', 'valid', 'valid', 'valid', 'valid', 'vanished', 'unknown'),
	presence: fc.constantFrom('missing', 'missing', 'missing', 'present', 'differs'),
});

const rules = fc.record({
	include: fc.constantFrom([], [], [/-app/]),
	exclude: fc.constantFrom([], [/-secret/g]),
	maxPathSizeBytes: fc.constantFrom(null, 500),
	skipSignedBy: fc.constantFrom([], ['upstream-1']),
	explicitPaths: fc.boolean(),
	wholeClosures: fc.boolean(),
});

export const scenarios: fc.Arbitrary<Scenario> = fc
	.record({ nodes: fc.array(node, { minLength: 1, maxLength: 25 }), rules })
	.map(({ nodes, rules }) => {
		const names = nodes.map(({ kind }, index) => `${index}-${kind}`);
		const all = nodes.map((at, index) =>
			pathInfo(names[index] ?? '', {
				narSizeBytes: at.narSizeBytes,
				signatures: at.signedBy === '' ? [] : [`${at.signedBy}:AAAA`],
				references: [...new Set(at.references.filter((to) => to < index || (at.self && to === index)))].map((to) =>
					storePath(names[to] ?? ''),
				),
			}),
		);
		const infos = all.filter((_, index) => nodes[index]?.state !== 'unknown');
		const vanished = all.filter((_, index) => nodes[index]?.state === 'vanished').map((info) => info.path);
		const roots = all.filter((_, index) => nodes[index]?.isRoot);
		const presence = new Map<string, Presence>(
			all.map((info, index) => {
				const state = nodes[index]?.presence ?? 'missing';
				return [info.path, state === 'differs' ? { state, narHash: 'sha256:other' } : { state }];
			}),
		);
		const upstream = new Map(
			all.filter((_, index) => nodes[index]?.atUpstream).map((info) => [info.path, 'https://up.example'] as const),
		);
		return { infos, candidates: candidatesOf(infos, roots, vanished), rules: { ...rules, upstream }, presence };
	});
