/**
 * A server that speaks the protocol of Cachix: the API under `/api/v1`, a binary cache at the root, and storage of another origin that takes and gives NARs by
 * signed URLs. It checks what the real one checks, and also that a path comes after its references.
 *
 *     await using server = await startCachixServer({ isPrivate: true });
 *     server.faults.fail(/complete/, { status: 500 });
 *     server.storage.faults.fail(/^PUT/, { cutAfterBytes: 1000 });
 */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatHash, parseHash } from '../../src/nix/hash.ts';
import { formatNarInfo, type NarInfo } from '../../src/nix/narinfo.ts';
import {
	fingerprint,
	formatPublicKey,
	generateKey,
	type PublicKey,
	publicKeyOf,
	type SecretKey,
	sign,
	verify,
} from '../../src/nix/signature.ts';
import { bodyOf, type Peer, startServer } from '../http/peers/server.ts';
import { field, parsedBody } from './json-body.ts';
import { type ScriptedFaults, scriptedFaults } from './scripted-faults.ts';
import { type SignedStorage, startSignedStorage } from './signed-storage.ts';
import { packedNarProblem } from './unpacked-nar.ts';

export interface CachixServerOptions {
	readonly name?: string;
	readonly isPrivate?: boolean;
	/** Its own keys; `null`: the server has a key and signs. */
	readonly publicKeys?: readonly PublicKey[] | null;
	readonly permission?: 'Read' | 'Write' | 'Admin';
	/** The host where it serves and stores; 127.0.0.1 if not said. */
	readonly servesAt?: string;
	/** How long URLs for parts may be used. */
	readonly urlLifeMs?: number;
	/** `false`: NARs are not kept and not looked into. */
	readonly keepBytes?: boolean;
}

export interface CachixServer extends AsyncDisposable {
	readonly name: string;
	/** What a workflow gives. */
	readonly cacheUrl: string;
	readonly token: string;
	/** Of the cache as Nix reads it. */
	readonly uri: string;
	/** That of the server, or `null`. */
	readonly managedKey: SecretKey | null;
	readonly api: Peer;
	readonly storage: SignedStorage;
	readonly faults: ScriptedFaults;
	/** By hash part. */
	readonly narInfos: Map<string, NarInfo>;
	/** Uploads that were begun and neither completed nor given up. */
	readonly openUploads: ReadonlyMap<string, unknown>;
	/** As `METHOD path` of the API, without the name of the cache and queries. */
	requests(): readonly string[];
}

interface OpenUpload {
	readonly uploadId: string;
	readonly compression: 'zst' | 'xz';
}

const BULK = 32_768;
const SERVED = /^\/(nix-cache-info|[0-9a-z]{32}\.narinfo|nar\/.*)$/;

export async function startCachixServer(options: CachixServerOptions = {}): Promise<CachixServer> {
	const { name = 'mine', isPrivate = false, permission = 'Write', servesAt = '127.0.0.1', urlLifeMs = 60_000 } = options;
	const keepBytes = options.keepBytes ?? true;
	const token = `cachix-token-${randomUUID()}`;
	const managedKey = options.publicKeys == null ? generateKey(`${name}.cachix.org-1`) : null;
	const publicKeys = options.publicKeys ?? (managedKey === null ? [] : [publicKeyOf(managedKey)]);
	const storage = await startSignedStorage({ host: servesAt, keepBytes });
	const faults = scriptedFaults();
	const narInfos = new Map<string, NarInfo>();
	const uploads = new Map<string, OpenUpload>();
	const root = `/api/v1/cache/${name}`;

	const api = await startServer(async (request, response) => {
		if (!(await faults.meet(request, response))) await answer(request, response);
	});
	const uri = `http://${servesAt}:${api.url.port}`;

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> {
		const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
		const body = await bodyOf(request);
		if (!pathname.startsWith('/api/')) return serve(request, response, pathname);
		if (pathname !== root && !pathname.startsWith(`${root}/`)) return refuse(response, 404, 'Binary cache does not exist');
		// Nix may read there too, with what it has in its netrc.
		if (SERVED.test(pathname.slice(root.length))) return serve(request, response, pathname.slice(root.length));
		const given = request.headers.authorization;
		if (given !== undefined && given !== `Bearer ${token}`) return refuse(response, 401, 'Unauthorized');
		if (given === undefined && isPrivate) return refuse(response, 404, 'Binary cache does not exist');
		const action = `${request.method} ${pathname.slice(root.length)}`;
		const isKnown = given !== undefined;
		if (action === 'GET ') return json(response, information(isKnown));
		if (request.method === 'GET') return refuse(response, 404, 'no such page');
		// As reading a narinfo (`narinfoBulk` in API.hs), so of a public cache it is answered to everybody.
		if (action === 'POST /narinfo') return missing(response, parsedBody(body));
		if (!isKnown) return refuse(response, 401, 'Unauthorized');
		if (permission === 'Read') return refuse(response, 403, 'This token may only read');
		if (action === 'POST /multipart-nar') return begin(response, searchParams.get('compression'));
		const [, narId = '', step = ''] = /^POST \/multipart-nar\/([0-9a-f-]{36})(\/complete|\/abort)?$/.exec(action) ?? [];
		const upload = uploads.get(narId);
		if (upload === undefined || searchParams.get('uploadId') !== upload.uploadId) return refuse(response, 404, 'NoSuchUpload');
		if (step === '/abort') {
			drop(narId);
			return json(response, []);
		}
		if (step === '') return placeForPart(response, narId, searchParams.get('partNumber'), parsedBody(body));
		const problem = complete(narId, upload, parsedBody(body));
		return problem === null ? json(response, []) : refuse(response, 400, problem);
	}

	const information = (isKnown: boolean) => ({
		name,
		uri,
		isPublic: !isPrivate,
		publicSigningKeys: publicKeys.map(formatPublicKey),
		githubUsername: 'someone',
		permission: isKnown ? permission : 'Read',
		preferredCompressionMethod: 'ZSTD',
	});

	function missing(response: ServerResponse, hashes: unknown): ServerResponse {
		if (!Array.isArray(hashes) || hashes.length > BULK) return refuse(response, 400, 'a list of at most 32768 hashes');
		return json(
			response,
			hashes.filter((hash) => !narInfos.has(hash)),
		);
	}

	function begin(response: ServerResponse, compression: string | null): ServerResponse {
		if (compression !== 'zst' && compression !== 'xz') return refuse(response, 400, 'Wrong compression method');
		const narId = randomUUID();
		const upload = { uploadId: `${randomUUID()}+/=`, compression } as const;
		uploads.set(narId, upload);
		return json(response, { narId, uploadId: upload.uploadId });
	}

	function placeForPart(response: ServerResponse, narId: string, number: string | null, body: unknown): ServerResponse {
		const md5 = field(body, 'contentMD5');
		if (!/^[1-9]\d{0,4}$/.test(number ?? '') || Number(number) > 10_000) return refuse(response, 400, 'partNumber');
		if (typeof md5 !== 'string' || Buffer.from(md5, 'base64').length !== 16) return refuse(response, 400, 'contentMD5');
		return json(response, { uploadUrl: storage.sign('PUT', `parts/${narId}/${number}`, { md5, lifeMs: urlLifeMs }) });
	}

	function drop(narId: string): void {
		uploads.delete(narId);
		for (const key of storage.objects.keys()) if (key.startsWith(`parts/${narId}/`)) storage.objects.delete(key);
	}

	/** What is wrong, or `null` when the path is there now. */
	function complete(narId: string, upload: OpenUpload, body: unknown): string | null {
		const parts = field(body, 'parts');
		if (!Array.isArray(parts) || parts.length === 0) return 'parts';
		const objects = parts.map((part, index) => {
			const object = storage.objects.get(`parts/${narId}/${index + 1}`);
			const isRight = field(part, 'partNumber') === index + 1 && field(part, 'eTag') === object?.eTag;
			return isRight ? object : undefined;
		});
		if (objects.some((object) => object === undefined)) return 'InvalidPart';
		const sizeBytes = objects.reduce((sum, object) => sum + (object?.sizeBytes ?? 0), 0);
		const bytes = Buffer.concat(objects.map((object) => object?.bytes ?? Buffer.alloc(0)));
		const made = readNarInfoCreate(field(body, 'narInfoCreate'), `nar/${narId}.nar.${upload.compression}`, upload.compression);
		if (typeof made === 'string') return made;
		const { narInfo, fileHashHex, signature } = made;
		if (narInfo.fileSizeBytes !== sizeBytes) return `cFileSize is ${narInfo.fileSizeBytes}, the file has ${sizeBytes} bytes`;
		const problem = keepBytes ? contentProblem(bytes, upload.compression, narInfo, fileHashHex) : null;
		if (problem !== null) return problem;
		const absent = narInfo.references.filter((path) => path !== narInfo.storePath && !narInfos.has(hashPart(path)));
		if (absent.length > 0) return `references are not there: ${absent.join(' ')}`;
		const signed = signatureOf(narInfo, signature);
		if (signed === null) return 'cSig is by no key of this cache';
		storage.objects.set(narInfo.url, { bytes, sizeBytes, eTag: '', headers: {} });
		narInfos.set(hashPart(narInfo.storePath), { ...narInfo, signatures: [signed] });
		drop(narId);
		return null;
	}

	function contentProblem(bytes: Buffer, compression: 'zst' | 'xz', narInfo: NarInfo, fileHashHex: string): string | null {
		if (createHash('sha256').update(bytes).digest('hex') !== fileHashHex) return 'cFileHash';
		return packedNarProblem(bytes, compression, formatHash(narInfo.narHash, 'nix32'), narInfo.narSizeBytes);
	}

	/** `name:base64`, `null` when the signature that was given is wrong or missing. */
	function signatureOf(narInfo: NarInfo, given: string | null): string | null {
		const text = fingerprint({ ...narInfo, path: narInfo.storePath });
		if (given === null) return managedKey === null ? null : sign(text, managedKey);
		return publicKeys.map(({ name }) => `${name}:${given}`).find((signature) => verify(text, signature, publicKeys)) ?? null;
	}

	function serve({ method, headers }: IncomingMessage, response: ServerResponse, path: string): ServerResponse {
		const [, given = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? [];
		const password = Buffer.from(given, 'base64')
			.toString()
			.replace(/^[^:]*:/, '');
		if (isPrivate && password !== token) return refuse(response, 401, 'Unauthorized');
		if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'only for reading');
		const text = path === '/nix-cache-info' ? 'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n' : narInfoText(path);
		if (text !== null)
			return response.writeHead(200, { 'content-length': text.length }).end(method === 'HEAD' ? undefined : text);
		if (!path.startsWith('/nar/')) return refuse(response, 404, 'not there');
		return response.writeHead(302, { location: storage.sign('GET', path.slice(1)) }).end();
	}

	function narInfoText(path: string): string | null {
		const narInfo = narInfos.get(/^\/([0-9a-z]{32})\.narinfo$/.exec(path)?.[1] ?? '');
		return narInfo === undefined ? null : formatNarInfo(narInfo);
	}

	return {
		name,
		cacheUrl: `cachix://${name}?host=${api.url.origin}`,
		token,
		uri,
		managedKey,
		api,
		storage,
		faults,
		narInfos,
		openUploads: uploads,
		requests: () =>
			api.received
				.filter(({ path }) => path.startsWith(root))
				.map(
					({ method, path }) =>
						`${method} ${path
							.slice(root.length)
							.replace(/\?.*$/, '')
							.replace(/[0-9a-f-]{36}/, 'ID')}`,
				),
		async [Symbol.asyncDispose]() {
			await api.close();
			await storage.close();
		},
	};
}

/** The narinfo that was asked for; a text says what is wrong with the request. */
function readNarInfoCreate(
	value: unknown,
	url: string,
	compression: 'zst' | 'xz',
): { readonly narInfo: NarInfo; readonly fileHashHex: string; readonly signature: string | null } | string {
	const text = (name: string): string => {
		const found = field(value, name);
		return typeof found === 'string' ? found : '';
	};
	const size = (name: string): number => {
		const found = field(value, name);
		return typeof found === 'number' && Number.isSafeInteger(found) ? found : 0;
	};
	const references = field(value, 'cReferences');
	const signature = field(value, 'cSig');
	if (!/^[0-9a-df-np-sv-z]{32}$/.test(text('cStoreHash')) || text('cStoreSuffix') === '') return 'cStoreHash, cStoreSuffix';
	if (!/^sha256:[0-9a-z]{52}$/.test(text('cNarHash')) || size('cNarSize') <= 0) return 'cNarHash, cNarSize';
	if (!/^[0-9a-f]{64}$/.test(text('cFileHash')) || size('cFileSize') <= 0) return 'cFileHash, cFileSize';
	if (!Array.isArray(references) || !references.every((name) => /^[0-9a-z]{32}-[^/]+$/.test(name))) return 'cReferences';
	if (!/^([0-9a-z]{32}-[^/]+\.drv|unknown-deriver)$/.test(text('cDeriver'))) return 'cDeriver';
	if (signature !== null && typeof signature !== 'string') return 'cSig';
	const deriver = text('cDeriver');
	return {
		narInfo: {
			storePath: `/nix/store/${text('cStoreHash')}-${text('cStoreSuffix')}`,
			url,
			compression: compression === 'zst' ? 'zstd' : 'xz',
			fileHash: parseHash(`sha256:${text('cFileHash')}`),
			fileSizeBytes: size('cFileSize'),
			narHash: parseHash(text('cNarHash')),
			narSizeBytes: size('cNarSize'),
			references: references.map((name) => `/nix/store/${name}`),
			deriver: deriver === 'unknown-deriver' ? null : `/nix/store/${deriver}`,
			signatures: [],
			ca: null,
		},
		fileHashHex: text('cFileHash'),
		signature,
	};
}

function hashPart(path: string): string {
	return path.slice('/nix/store/'.length, '/nix/store/'.length + 32);
}

function json(response: ServerResponse, value: unknown): ServerResponse {
	return response.writeHead(200, { 'content-type': 'application/json;charset=utf-8' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, error: string): ServerResponse {
	return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}
