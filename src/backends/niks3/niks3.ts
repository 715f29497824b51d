import { bodyOfText } from '../../bodies/in-memory.ts';
import type { Niks3Target } from '../../cache-target/niks3.ts';
import { CacheError, describeError, isCacheError } from '../../errors.ts';
import type { HttpClient } from '../../http/client.ts';
import type { Log } from '../../log.ts';
import { digestText, formatHash } from '../../nix/hash.ts';
import { formatNarInfo } from '../../nix/narinfo.ts';
import type { NetrcEntry } from '../../nix/netrc.ts';
import type { PathInfo } from '../../nix/path-info.ts';
import { formatPublicKey, type PublicKey, type SecretKey } from '../../nix/signature.ts';
import { hashPartOf } from '../../nix/store-path.ts';
import type { Backend, Compression, PackedNar } from '../backend.ts';
import { hasJobIdentity, identityIssuer } from '../job-identity.ts';
import { PART_BYTES, SIGNED_URL_HINT, uploadParts } from '../part-uploads.ts';
import { type PublishableInfo, publishableInfo } from '../published-narinfo.ts';
import { authenticate } from './authentication.ts';
import {
	type ClosureObject,
	createNiks3Api,
	type NarInfoMetadata,
	type Niks3Configuration,
	type PendingClosure,
	type PendingObject,
} from './niks3-api.ts';

export interface Niks3Options {
	readonly target: Niks3Target;
	/** Stays open when the backend is closed. */
	readonly client: HttpClient;
	/** For the identity of the job. */
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly storeDir: string;
	/** `null`: only the server signs. */
	readonly signingKey: SecretKey | null;
	readonly log: Log;
	/** The cache as Nix reads it: a binary cache at a URL, signed by `publicKeys`. */
	readonly openReading: (url: URL, netrc: readonly NetrcEntry[], publicKeys: readonly PublicKey[]) => Backend;
	/** For tests. */
	readonly partBytes?: number | undefined;
}

interface Known {
	readonly configuration: Niks3Configuration;
	readonly reading: Backend;
}

/** The server checks the names of NARs, and knows no others. */
const SUFFIXES: Readonly<Partial<Record<Compression, string>>> = { zstd: '.zst', xz: '.xz', none: '' };

const NAR_TYPE = { 'content-type': 'application/x-nix-nar' };

/**
 * A cache behind a niks3 server. Each path is a closure of its own, as with the `--no-closure` of niks3's client: the server follows a narinfo's references when
 * it collects garbage, so nothing that is needed goes. Its NAR goes up before the path is visible; then the server signs, the narinfo goes up, and the closure is
 * committed. What is killed before that is swept by the server, with all that was uploaded for it.
 */
export function createNiks3(options: Niks3Options): Backend {
	const { target, client, env, storeDir, signingKey } = options;
	const { partBytes = PART_BYTES } = options;
	let known: Known | null = null;
	const api = createNiks3Api(
		target,
		client,
		authenticate(target, async (signal) => (await informed(signal)).configuration.audience, options),
	);

	const learn = async (signal: AbortSignal): Promise<Known> => {
		const configuration = await api.configuration(identityIssuer(env), signal);
		await known?.reading.close();
		known = { configuration, reading: options.openReading(configuration.substituter, [], configuration.publicKeys) };
		return known;
	};
	const informed = async (signal: AbortSignal): Promise<Known> => known ?? learn(signal);

	const bringNar = async (key: string, nar: PackedNar, place: PendingObject, signal: AbortSignal): Promise<void> => {
		if (place.kind === 'whole') return put(client, place.url, nar.body, NAR_TYPE, signal);
		const { uploadId, urls } = place;
		try {
			const parts = await uploadParts(
				client,
				nar.body,
				partBytes,
				async (_part, number, attempt, either) => ({
					url: (attempt === 1 ? urls[number - 1] : undefined) ?? (await api.partUrl(key, uploadId, number, either)),
					headers: {},
				}),
				signal,
			);
			await api.completeParts(key, uploadId, parts, signal);
		} catch (error) {
			// Another job brought the same NAR, and the server ended this upload.
			if (!isCacheError(error, 'cache-not-found') || !(await api.has(key, signal))) throw error;
		}
	};

	const publish = async (
		path: PublishableInfo,
		url: string,
		compression: Compression,
		closure: PendingClosure,
		signal: AbortSignal,
	) => {
		const key = narInfoKey(path.storePath);
		const place = closure.objects.get(key);
		if (place?.kind === 'whole') {
			const signatures = await api.sign(closure.id, key, metadataOf(path, url, compression), signal);
			// The file is not described: another job's may lie there, packed in another way. Nix 2.8 does not ask for compressed narinfos, so this one is plain.
			const text = formatNarInfo({
				...path,
				signatures: [...new Set([...path.signatures, ...signatures])],
				url,
				compression,
				fileHash: null,
				fileSizeBytes: null,
			});
			await put(client, place.url, bodyOfText(text), { 'content-type': 'text/x-nix-narinfo' }, signal);
		}
		try {
			await api.commit(closure.id, signal);
		} catch (error) {
			// It was committed, and that answer was lost.
			if (!isCacheError(error, 'cache-not-found') || !(await api.has(key, signal))) throw error;
		}
	};

	return {
		kind: 'niks3',
		label: target.place,
		reads: () => ({
			substituters: known === null ? [] : [`${known.configuration.substituter.href.replace(/\/$/, '')}${target.parameters}`],
			publicKeys: known?.configuration.publicKeys.map(formatPublicKey) ?? [],
			netrc: [],
			throughUs: false,
			priority: null,
		}),

		async check(mayWrite, signal) {
			const { configuration, reading } = await learn(signal);
			const checked = await reading.check(false, signal);
			if (!mayWrite) return checked;
			const whyNoPush = await whyNotPushed(configuration, signal);
			const signs = signingKey !== null || configuration.publicKeys.length > 0;
			const unsigned = `${target.place} does not sign, and there is no \`signing-key\`: Nix ignores paths without a signature.`;
			return { ...checked, note: checked.note ?? whyNoPush ?? (signs ? null : unsigned), whyNoPush };
		},

		async presence(paths, signal) {
			return (await informed(signal)).reading.presence(paths, signal);
		},

		async prepare(info, nar, signal) {
			const { maxNarBytes } = (await informed(signal)).configuration;
			if (maxNarBytes !== null && info.narSizeBytes > maxNarBytes) {
				throw new CacheError('cache-too-large', `${target.place} takes NARs of at most ${maxNarBytes} bytes.`, {
					hint: 'Leave such paths out with `max-path-size`.',
				});
			}
			const path = publishableInfo(info, signingKey, storeDir);
			const packed = await nar.packed(signal);
			try {
				const { compression, body } = packed;
				const url = narKey(info, compression);
				const closure = await api.begin(narInfoKey(info.path), objectsOf(info, url), signal);
				const place = closure.objects.get(url);
				if (place !== undefined) await bringNar(url, packed, place, signal);
				return async (publishSignal) => {
					await publish(path, url, compression, closure, publishSignal);
					return { sentBytes: place === undefined ? 0 : body.sizeBytes };
				};
			} finally {
				await packed.dispose();
			}
		},

		finish: async () => new Map(),

		async readBack(info, signal) {
			return (await informed(signal)).reading.readBack(info, signal);
		},

		close: async () => known?.reading.close(),
	};

	/** What keeps the job from pushing, as far as the server tells before it tries; `null` when nothing does. */
	async function whyNotPushed({ audience }: Niks3Configuration, signal: AbortSignal): Promise<string | null> {
		if (target.token === null && !hasJobIdentity(env)) {
			const give = 'Give the job `permissions: id-token: write`, or the API token of the server as `token`.';
			return `There is no \`token\` for ${target.place}, and the job has no identity to show. ${give}`;
		}
		if (target.token === null && audience === null) {
			const give = "Give its API token as `token`, or set GitHub up in the server's OIDC configuration.";
			return `${target.place} takes no tokens of GitHub's, and there is no \`token\`. ${give}`;
		}
		try {
			// What is there does not matter: who may not write is refused.
			await api.has(`${'0'.repeat(32)}.narinfo`, signal);
			return null;
		} catch (error) {
			if (isCacheError(error, 'cache-unauthorized', 'cache-forbidden')) return describeError(error);
			throw error;
		}
	}
}

/** To a signed URL. */
async function put(
	client: HttpClient,
	url: URL,
	body: PackedNar['body'],
	headers: Readonly<Record<string, string>>,
	signal: AbortSignal,
): Promise<void> {
	try {
		await client.request({ method: 'PUT', url, headers, body, accept: [200, 201, 204], limitBytes: 64 * 1024, signal });
	} catch (error) {
		if (!isCacheError(error, 'cache-forbidden')) throw error;
		throw new CacheError(error.code, error.message, { hint: SIGNED_URL_HINT, cause: error });
	}
}

function narInfoKey(path: string): string {
	return `${hashPartOf(path)}.narinfo`;
}

function narKey(info: PathInfo, compression: Compression): string {
	const suffix = SUFFIXES[compression];
	if (suffix === undefined) throw new CacheError('input-invalid', `niks3 does not take \`${compression}\`.`);
	return `nar/${digestText(info.narHash, 'nix32')}.nar${suffix}`;
}

function objectsOf(info: PathInfo, url: string): readonly ClosureObject[] {
	const references = [...new Set(info.references.map(narInfoKey))].sort();
	return [
		{ key: narInfoKey(info.path), type: 'narinfo', refs: [...references, url] },
		{ key: url, type: 'nar', refs: [], narSizeBytes: info.narSizeBytes },
	];
}

function metadataOf(path: PublishableInfo, url: string, compression: Compression): NarInfoMetadata {
	return {
		store_path: path.storePath,
		url,
		compression,
		nar_hash: formatHash(path.narHash, 'nix32'),
		nar_size: path.narSizeBytes,
		references: [...path.references].sort(),
		...(path.deriver === null ? {} : { deriver: path.deriver }),
		...(path.signatures.length === 0 ? {} : { signatures: path.signatures }),
		...(path.ca === null ? {} : { ca: path.ca }),
	};
}
