/** Two jobs as they may be, for the pictures in docs/examples: the paths are made up, what is said of them is what the action says. */
import type { PathInfo } from '../../src/nix/path-info.ts';
import { hashPartOf } from '../../src/nix/store-path.ts';
import type { Outcome } from '../../src/push/outcome.ts';
import type { PlannedPath, Verdict } from '../../src/push/plan.ts';
import type { CacheFacts, ReportFacts } from '../../src/report/report.ts';
import { pathInfo } from '../push/graph.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

type Entry = readonly [info: PathInfo, verdict: Verdict, outcome?: Outcome];

const push: Verdict = { class: 'push', why: 'new' };
const present: Verdict = { class: 'present' };
const pushed = (sentBytes: number): Outcome => ({ class: 'pushed', sentBytes });

const built = (name: string, narSizeBytes: number): PathInfo => pathInfo(name, { narSizeBytes });
const fetched = (keyName: string, count: number, narSizeBytes: number): readonly PathInfo[] =>
	Array.from({ length: count }, (_, index) =>
		pathInfo(`${keyName}-${index}`, { narSizeBytes, ultimate: false, signatures: [`${keyName}:AAAA`] }),
	);
const sources = Array.from({ length: 38 }, (_, index) =>
	pathInfo(`source-${index}`, { narSizeBytes: 190 * KiB, ultimate: false, ca: 'fixed:r:sha256:0000' }),
);
const derivations = Array.from({ length: 612 }, (_, index) =>
	pathInfo(`step-${index}.drv`, { narSizeBytes: 3 * KiB, ultimate: false, ca: 'text:sha256:0000' }),
);
const upstream = fetched('cache.nixos.org-1', 431, 2.4 * MiB);
const own = fetched('example.org-1', 96, 1.6 * MiB);

function cacheFacts(label: string, entries: readonly Entry[], more: Partial<CacheFacts> = {}): CacheFacts {
	const paths = new Map(
		entries.map(([info, verdict]): [string, PlannedPath] => [info.path, { path: info.path, info, isRoot: true, verdict }]),
	);
	const outcomes = new Map(entries.flatMap(([{ path }, , outcome]) => (outcome === undefined ? [] : [[path, outcome] as const])));
	return {
		cache: { kind: 'http', label, canPush: true, whyNot: null },
		plan: { paths, push: entries.filter(([, verdict]) => verdict.class === 'push').map(([info]) => info) },
		failure: null,
		result: { outcomes, stoppedBy: null, elapsedMs: 4210 },
		findings: [...outcomes].flatMap(([path, { class: name }]) => (name === 'pushed' ? [{ path, problem: null }] : [])),
		lost: new Set(),
		untrusted: new Set(),
		isRead: true,
		durationsMs: { plan: 310, push: 4210, finish: 0, verify: 180 },
		...more,
	};
}

const rest: readonly Entry[] = [
	...upstream.map((info): Entry => [info, { class: 'signed-upstream', keyName: 'cache.nixos.org-1' }]),
	...own.map((info): Entry => [info, present]),
	...sources.map((info): Entry => [info, present]),
	...derivations.map((info): Entry => [info, { class: 'derivation' }]),
];

const changed: readonly Entry[] = [
	[built('example-server-2.4.0', 48 * MiB), push, pushed(13 * MiB)],
	[built('example-server-2.4.0-doc', 6.1 * MiB), push, pushed(1.3 * MiB)],
	[built('example-web-2.4.0', 21 * MiB), push, pushed(5.2 * MiB)],
	[built('example-tests-2.4.0', 310 * KiB), push, pushed(62 * KiB)],
];
const local: readonly Entry[] = [
	[built('nixos-option-docs', 1.2 * MiB), present],
	[built('etc-profile', 4 * KiB), present],
];

const common = { serveErrors: {}, durationsMs: { total: 4790 }, warnings: [] };

/** Most of it came from two caches, the application itself was changed. */
export const usualJob: ReportFacts = {
	...common,
	caches: [cacheFacts('https://nix.example.org', [...changed, ...local, ...rest])],
	added: {
		infos: [...changed, ...local, ...rest].map(([info]) => info),
		served: new Set(),
		forbidden: new Set(local.map(([{ path }]) => path)),
	},
	served: [],
	storePaths: 1183,
};

const image = built('example-image.tar.gz', 1300 * MiB);
const toolchain = built('toolchain-14.2', 610 * MiB);
const troubled: readonly Entry[] = [
	...changed,
	[
		toolchain,
		push,
		{
			class: 'failed',
			code: 'cache-too-large',
			message: 'The server refuses a NAR of 171 MiB (413). Raise its limit, or set `max-path-size`.',
		},
	],
	[built('example-shell', 2 * KiB), push, { class: 'withheld', culprit: toolchain.path, culpritClass: 'failed' }],
	[image, { class: 'too-large', limitBytes: 1024 * MiB }],
	[built('build-stamp', 1 * KiB), { class: 'differs', narHash: 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s' }],
];
const stored: Entry[] = own.map((info) => [info, present]);
const label = 'https://nix.example.org';

/** Two caches, one of them read through the local substituter; not all went well. */
export const troubledJob: ReportFacts = {
	...common,
	caches: [
		cacheFacts(label, [...troubled, ...rest], { isRead: true }),
		{
			...cacheFacts('the Actions cache', []),
			cache: { kind: 'actions-cache', label: 'the Actions cache', canPush: false, whyNot: 'this run has a read-only token.' },
			plan: null,
			result: null,
			findings: null,
			durationsMs: {},
		},
	],
	added: {
		infos: [...troubled, ...stored, ...rest.filter(([info]) => !own.includes(info))].map(([info]) => info),
		served: new Set(own.map(({ path }) => hashPartOf(path))),
		forbidden: new Set(),
	},
	served: [{ label: 'the Actions cache', paths: 96, bytes: 41 * MiB, cut: 1 }],
	serveErrors: { 'cache-stalled': 2 },
	storePaths: 1187,
	warnings: ['The clock of this machine is 94 s behind that of nix.example.org.'],
};
