import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NixStoreTarget } from '../../cache-target/nix-store.ts';
import { describeError, isCacheError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { equalHash, formatHash } from '../../nix/hash.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import type { PublicKey, SecretKey } from '../../nix/signature.ts';
import type { Backend, Presence, ReadBack } from '../backend.ts';
import { differenceOf, publishableInfo } from '../published-narinfo.ts';
import { askedTogether } from './asked-together.ts';
import type { NixStores, OtherStore } from './other-store.ts';
import { type SignedPath, writeSignatures } from './signatures.ts';

export interface NixCopyOptions {
	readonly target: NixStoreTarget;
	readonly nix: NixStores;
	readonly storeDir: string;
	/** `null`: nothing is signed. */
	readonly signingKey: SecretKey | null;
	/** The keys that readers trust. */
	readonly publicKeys: readonly PublicKey[];
	readonly log: Log;
}

/** So many damaged paths cost a `nix copy` each; after them the rest is given up. */
const COPIES = 6;
const PROGRESS_EVERY_MS = 5000;

/**
 * Any store that `nix copy` can write to. Paths are only gathered while the pipeline runs; `finish` has Nix copy all of them at once, which reads each NAR once and
 * sends it as it is. Such a store takes a path only when it has all that the path refers to, whoever signed that (`wholeClosures` in push/plan.ts).
 */
export function createNixCopy(options: NixCopyOptions): Backend {
	const { target, nix, storeDir, signingKey, publicKeys, log } = options;
	const label = target.place;
	const store = nix.open(target.substituter, label);
	const gathered: SignedPath[] = [];
	const infoOf = askedTogether((paths, signal) => store.infos(paths, signal));
	const whyUnread = whyNotRead(target, nix);

	return {
		kind: 'nix-copy',
		label,
		reads: () => ({ substituters: [target.substituter], publicKeys: [], netrc: [], throughUs: false, priority: null }),

		async check(mayWrite, signal) {
			if (nix.wasAsked) store.connect();
			if (!nix.wasAsked && (await store.ping(signal)) === false && mayWrite)
				log.info(`${label} does not trust this user: it takes paths that a key it trusts has signed.`);
			if (!nix.wasAsked && whyUnread !== null) log.notice(whyUnread, 'nix-cache-action');
			return { readable: whyUnread === null, whyNoPush: null, note: null, skipSignedBy: [] };
		},

		async presence(paths, signal) {
			if (paths.length === 0) return new Map();
			const missing = await store.missing(
				paths.map(({ path }) => path),
				signal,
			);
			// What a cache has signed has the hash that it says. What was built here may have come out differently there.
			const built = paths.filter(({ path, ultimate }) => ultimate && !missing.has(path));
			const there = await store.infos(
				built.map(({ path }) => path),
				signal,
			);
			return new Map(
				paths.map((info) => [info.path, missing.has(info.path) ? MISSING : presenceOf(info, there.get(info.path) ?? null)]),
			);
		},

		async prepare(info) {
			const publishable = publishableInfo(info, signingKey, storeDir);
			return async () => {
				gathered.push({ info, publishable });
				// As it goes through ssh, unless that compresses.
				return { sentBytes: info.narSizeBytes };
			};
		},

		async finish(signal) {
			const paths = gathered.splice(0);
			if (paths.length === 0) return new Map();
			// Several stores may be pushed to at once.
			const folder = join(folderInUrls(nix.privateFolder), `signatures-${randomBytes(6).toString('hex')}`);
			const unsigned = paths.filter(({ info, publishable }) =>
				publishable.signatures.some((text) => !info.signatures.includes(text)),
			);
			try {
				const signLater = await signHere(store, unsigned, folder, storeDir, signal);
				const infos = paths.map(({ info }) => info);
				const lost = await copyAll(store, infos, log, label, signal);
				const arrived = signLater.filter((path) => !lost.has(path));
				if (arrived.length > 0) await store.takeSignatures(`file://${folder}`, arrived, 'there', signal);
				return lost;
			} finally {
				await rm(folder, { recursive: true, force: true });
			}
		},

		async readBack(info, signal): Promise<ReadBack> {
			const there = await infoOf(info.path, signal);
			if (there === null) return { ok: false, problem: 'it is not valid there' };
			const difference = differenceOf(info, there, publicKeys, storeDir);
			return difference === null ? { ok: true } : { ok: false, problem: difference };
		},

		close: () => store.close(),
	};
}

/** A folder that Nix finds by a `file://` URL: versions differ in what they make of blanks and of what is encoded. What goes there is no secret. */
function folderInUrls(preferred: string): string {
	return [preferred, tmpdir()].find((folder) => /^[\w.+/-]+$/.test(folder)) ?? preferred;
}

const MISSING: Presence = { state: 'missing' };

function presenceOf(info: PathInfo, there: PathInfo | null): Presence {
	return there === null || equalHash(there.narHash, info.narHash)
		? { state: 'present' }
		: { state: 'differs', narHash: formatHash(there.narHash, 'nix32') };
}

function whyNotRead({ ssh, place }: NixStoreTarget, nix: NixStores): string | null {
	if (ssh === null || ssh.hasKey || !nix.substitutesByDaemon) return null;
	return (
		`Nix does not read from ${place} in this job, it is only pushed to: the Nix daemon would connect as root, without this job's SSH keys. ` +
		'To read, name a key file and the host key in the URL: `?ssh-key=/file&base64-ssh-public-host-key=…`.'
	);
}

/**
 * The signatures are made here and handed to Nix as a binary cache without NARs, so that no other program sees the key. They go into the local store, and from
 * there along with the paths. Answers with the paths that have to be signed in the other store: the daemon of an old Nix takes signatures of those alone whom it
 * trusts.
 */
async function signHere(
	store: OtherStore,
	unsigned: readonly SignedPath[],
	folder: string,
	storeDir: string,
	signal: AbortSignal,
): Promise<readonly string[]> {
	if (unsigned.length === 0) return [];
	const paths = unsigned.map(({ info }) => info.path);
	await writeSignatures(folder, unsigned, storeDir, signal);
	try {
		await store.takeSignatures(`file://${folder}`, paths, 'here', signal);
		return [];
	} catch (error) {
		if (!isCacheError(error, 'nix-failed')) throw error;
		return paths;
	}
}

/**
 * Copies until all is there that can be: a copy ends at the first path that can't be read here, and goes on without that path and what refers to it. Answers
 * with what did not arrive, and why.
 */
async function copyAll(
	store: OtherStore,
	paths: readonly PathInfo[],
	log: Log,
	label: string,
	signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
	const lost = new Map<string, string>();
	let left = paths;
	for (let copies = 1; ; copies++) {
		try {
			await copyOnce(store, left, log, label, signal);
			return lost;
		} catch (error) {
			if (!isCacheError(error) || signal.aborted) throw error;
			const missing = await store.missing(
				left.map(({ path }) => path),
				signal,
			);
			const arrived = paths.length - lost.size - missing.size;
			left = left.filter(({ path }) => missing.has(path));
			const culprit = left.find(({ path }) => error.message.includes(path));
			const goesOn = culprit !== undefined && !isCacheError(error, 'cache-forbidden') && copies < COPIES;
			if (!goesOn && arrived === 0 && lost.size === 0) throw error;
			const hit = goesOn ? withDependants(culprit, left) : left;
			for (const { path } of hit) {
				const reason =
					path === culprit?.path || !goesOn ? describeError(error) : `it needs ${culprit.path}, which can't be copied.`;
				lost.set(path, reason);
			}
			left = left.filter(({ path }) => !lost.has(path));
			if (left.length === 0) {
				if (lost.size === paths.length) throw error;
				return lost;
			}
		}
	}
}

async function copyOnce(
	store: OtherStore,
	paths: readonly PathInfo[],
	log: Log,
	label: string,
	signal: AbortSignal,
): Promise<void> {
	let begun = 0;
	let saidMs = performance.now();
	log.info(`\`nix copy\` of ${paths.length} paths to ${label}`);
	const onPath = (): void => {
		begun++;
		if (performance.now() < saidMs + PROGRESS_EVERY_MS) return;
		saidMs = performance.now();
		log.info(`\`nix copy\` is at path ${begun} of ${paths.length}`);
	};
	// A path that came from a cache can come from there to that store too.
	const substitute = paths.some(({ ultimate, signatures }) => !ultimate && signatures.length > 0);
	const copy = (mayFetch: boolean): Promise<void> =>
		store.copy(
			paths.map(({ path }) => path),
			{ substitute: mayFetch, onPath },
			signal,
		);
	try {
		await copy(substitute);
	} catch (error) {
		// It may have failed of its substituters.
		if (!substitute || !isCacheError(error, 'cache-failing') || signal.aborted) throw error;
		await copy(false);
	}
}

/** `culprit` and what refers to it, maybe through others. References come first in `paths`. */
function withDependants(culprit: PathInfo, paths: readonly PathInfo[]): readonly PathInfo[] {
	const hit = new Set([culprit.path]);
	for (const { path, references } of paths) if (references.some((reference) => hit.has(reference))) hit.add(path);
	return paths.filter(({ path }) => hit.has(path));
}
