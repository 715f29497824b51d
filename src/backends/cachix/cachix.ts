import type { CachixTarget } from '../../cache-target/cachix.ts';
import { CacheError, describeError, isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import type { NetrcEntry } from '../../nix/netrc.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { formatPublicKey, type PublicKey, publicKeyOf, type SecretKey } from '../../nix/signature.ts';
import type { Backend, Compression, Presence } from '../backend.ts';
import { type CompletedPart, PART_BYTES, uploadParts } from '../part-uploads.ts';
import type { CacheInformation } from './cache-information.ts';
import { createCachixApi, type Upload } from './cachix-api.ts';
import { missingPaths } from './missing-paths.ts';
import { type NarInfoCreate, narInfoCreate } from './narinfo-create.ts';
import { createOpenUploads } from './open-uploads.ts';
import { signedParts } from './signed-parts.ts';

export interface CachixOptions {
	readonly target: CachixTarget;
	/** Stays open when the backend is closed. */
	readonly client: HttpClient;
	/** `null`: the server signs. */
	readonly signingKey: SecretKey | null;
	/** The key may be meant for other caches: when it has a name that this cache does not know, the server signs. */
	readonly sharesKey: boolean;
	readonly log: Log;
	/** The cache as Nix reads it: a binary cache at a URL, where `netrc` is sent, signed by `publicKeys`. */
	readonly openReading: (url: URL, netrc: readonly NetrcEntry[], publicKeys: readonly PublicKey[]) => Backend;
	/** For tests. */
	readonly partBytes?: number | undefined;
}

/** What the server says, and the cache opened where it says that it serves. */
interface Known {
	readonly information: CacheInformation;
	/** Why the token is no good; `null` when it is, or there is none. */
	readonly refusal: CacheError | null;
	readonly netrc: readonly NetrcEntry[];
	readonly reading: Backend;
}

/** How the server calls the compressions that it takes. */
const METHODS: Readonly<Partial<Record<Compression, 'zst' | 'xz'>>> = { zstd: 'zst', xz: 'xz' };

/**
 * A cache of Cachix. The NAR goes up in parts before the path is visible; one more request completes it and makes its narinfo, so both steps of the port are the
 * server's own. Who asks it for many paths at once learns which are missing, not what the others hold, so a path is never said to differ.
 */
export function createCachix(options: CachixOptions): Backend {
	const { target, client, log } = options;
	const api = createCachixApi(target, client);
	const uploads = createOpenUploads(api, log);
	let known: Known | null = null;

	const keyFor = ({ publicKeys }: CacheInformation): SecretKey | null => {
		const { signingKey, sharesKey } = options;
		const isOurs =
			signingKey !== null && publicKeys.some((theirs) => theirs.name === signingKey.name || isHalfOf(theirs, signingKey));
		return isOurs || !sharesKey ? signingKey : null;
	};

	/** With a token that is no good a public cache is read as by everybody. */
	const inform = async (signal: AbortSignal): Promise<Pick<Known, 'information' | 'refusal'>> => {
		try {
			return { information: await api.information(signal), refusal: null };
		} catch (error) {
			if (target.token === null || !isCacheError(error, 'cache-unauthorized')) throw error;
			const nobody = createCachixApi({ ...target, token: null }, client);
			const information = await nobody.information(signal).catch(() => null);
			if (information === null) throw error;
			return { information, refusal: error };
		}
	};

	const learn = async (signal: AbortSignal): Promise<Known> => {
		const { information, refusal } = await inform(signal);
		const netrc = netrcOf(information, target);
		await known?.reading.close();
		known = { information, refusal, netrc, reading: options.openReading(information.uri, netrc, information.publicKeys) };
		return known;
	};

	/** A server that completed the upload and whose answer was lost refuses to do it again; so may one where another job was faster (invariant I4). */
	const complete = async (
		upload: Upload,
		parts: readonly CompletedPart[],
		narInfo: NarInfoCreate,
		info: PathInfo,
		signal: AbortSignal,
	) => {
		try {
			await api.complete(upload, parts, narInfo, signal);
			uploads.done(upload);
		} catch (error) {
			uploads.drop(upload);
			if (!isCacheError(error, 'cache-invalid', 'cache-not-found')) throw error;
			const { reading } = known ?? (await learn(signal));
			const there = (await reading.presence([info], signal).catch(() => null))?.get(info.path);
			if (there?.state !== 'present') throw error;
		}
	};

	return {
		kind: 'cachix',
		label: target.place,
		reads: () => ({
			substituters: known === null ? [] : [`${urlText(known.information.uri)}${target.parameters}`],
			publicKeys: known?.information.publicKeys.map(formatPublicKey) ?? [],
			netrc: known?.netrc ?? [],
			throughUs: false,
			priority: null,
		}),

		async check(mayWrite, signal) {
			const { information, refusal, reading } = await learn(signal);
			const checked = await reading.check(false, signal);
			if (!mayWrite) return checked;
			const whyNoPush = refusal === null ? whyNotPushed(information, target, keyFor(information)) : describeError(refusal);
			return { ...checked, note: checked.note ?? whyNoPush, whyNoPush };
		},

		async presence(paths, signal) {
			const missing = await missingPaths(api, paths, signal);
			const stateOf = (path: string): Presence => ({ state: missing.has(path) ? 'missing' : 'present' });
			return new Map(paths.map(({ path }) => [path, stateOf(path)]));
		},

		async prepare(info, nar, signal) {
			const signingKey = keyFor((known ?? (await learn(signal))).information);
			const packed = await nar.packed(signal);
			try {
				const method = METHODS[packed.compression];
				if (method === undefined) throw new CacheError('input-invalid', `Cachix does not take \`${packed.compression}\`.`);
				const { body, fileHash } = packed;
				const narInfo = narInfoCreate(info, { hash: fileHash, sizeBytes: body.sizeBytes }, signingKey);
				const upload = await uploads.begin(method, signal);
				try {
					const { partBytes = PART_BYTES } = options;
					const parts = await uploadParts(client, body, partBytes, signedParts(api, upload), signal);
					return async (publishSignal) => {
						await complete(upload, parts, narInfo, info, publishSignal);
						return { sentBytes: body.sizeBytes };
					};
				} catch (error) {
					uploads.drop(upload);
					throw error;
				}
			} finally {
				await packed.dispose();
			}
		},

		finish: async () => new Map(),

		async readBack(info, signal) {
			const { reading } = known ?? (await learn(signal));
			return reading.readBack(info, signal);
		},

		async close() {
			await uploads.close();
			await known?.reading.close();
		},
	};
}

/** Nix sends nothing but Basic; the server takes the token as password of any user. A public cache is not told who reads. */
function netrcOf({ uri, isPublic }: CacheInformation, { token }: CachixTarget): readonly NetrcEntry[] {
	return isPublic || token === null ? [] : [{ machine: uri.hostname, login: 'token', password: token }];
}

/** What keeps the job from pushing, as far as the server tells before it tries; `null` when nothing does. */
function whyNotPushed(
	{ permission, publicKeys }: CacheInformation,
	{ place, name, token }: CachixTarget,
	key: SecretKey | null,
): string | null {
	if (permission === 'Read') {
		const who = token === null ? 'Without a token this job' : 'The token';
		return `${who} may read ${place} and not write to it. Give a token with the right to write, or set \`push: never\`.`;
	}
	if (publicKeys.length === 0) {
		const make = `Make one: \`cachix generate-keypair ${name}\`, or let the server have one in the settings of the cache.`;
		return `${place} has no key that its paths could be signed with. ${make}`;
	}
	if (key === null || publicKeys.some((theirs) => isHalfOf(theirs, key))) return null;
	const theirs = publicKeys.map((publicKey) => publicKey.name).join(' and ');
	const give = 'Give the secret key that belongs to it, or none where the server signs.';
	return `\`signing-key\` is not a key of ${place}, whose readers trust ${theirs}. ${give}`;
}

function isHalfOf(publicKey: PublicKey, key: SecretKey): boolean {
	return Buffer.compare(publicKey.key, publicKeyOf(key).key) === 0;
}

/** Without the slash that `URL` puts behind a host alone: Nix compares texts. */
function urlText(url: URL): string {
	return url.href.replace(/\/$/, '');
}
