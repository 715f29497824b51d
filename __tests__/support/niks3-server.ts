/**
 * A server that speaks the protocol of niks3: the API, storage that takes objects by signed URLs, and the bucket as Nix reads it, each on an origin of its own.
 * GitHub's tokens for jobs come from a fourth. It checks what the real one checks, and also that a narinfo comes after its NAR and its references.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { formatHash, parseHash } from '../../src/nix/hash.ts';
import { parseNarInfo } from '../../src/nix/narinfo.ts';
import { fingerprint, formatPublicKey, generateKey, publicKeyOf, sign, verify } from '../../src/nix/signature.ts';
import { bodyOf, type Peer, startServer } from '../http/peers/server.ts';
import { field, parsedBody } from './json-body.ts';
import { type ScriptedFaults, scriptedFaults } from './scripted-faults.ts';
import { type SignedStorage, type StoredObject, startSignedStorage } from './signed-storage.ts';
import { packedNarProblem } from './unpacked-nar.ts';

export interface Niks3ServerOptions {
	/** The host where it stores and is read; 127.0.0.1 if not said. */
	readonly servesAt?: string;
	/** `false`: it has no key. */
	readonly signs?: boolean;
	/** `null`: it takes no tokens of GitHub's. */
	readonly audience?: string | null;
	readonly maxNarBytes?: number;
	/** NARs larger than this are put in parts; 10 MiB if not said. */
	readonly partsFromBytes?: number;
	/** URLs for parts that are given without being asked for. */
	readonly firstParts?: number;
	/** `user:password` that readers must show. */
	readonly readers?: string;
	/** How long GitHub's tokens live. */
	readonly tokenLifeMs?: number;
}

export interface Niks3Server extends AsyncDisposable {
	/** What a workflow gives. */
	readonly cacheUrl: string;
	readonly token: string;
	/** Where Nix reads. */
	readonly substituter: string;
	readonly publicKeys: readonly string[];
	/** Variables of a job that may have tokens of GitHub's. */
	readonly identityEnv: Readonly<Record<string, string>>;
	readonly api: Peer;
	readonly storage: SignedStorage;
	readonly faults: ScriptedFaults;
	/** Keys that were committed. */
	readonly committed: ReadonlySet<string>;
	/** Closures that were begun and are not committed. */
	readonly pending: ReadonlyMap<string, unknown>;
	/** Tokens of GitHub's that were given out. */
	readonly identities: readonly string[];
	/** As `METHOD path` of the API, numbers of closures replaced. */
	requests(): readonly string[];
}

interface Pending {
	readonly closure: string;
	/** What the server lacked, with references. */
	readonly objects: ReadonlyMap<string, readonly string[]>;
}

const NARINFO = /^[0-9a-df-np-sv-z]{32}\.narinfo$/;
const NAR = /^nar\/([0-9a-df-np-sv-z]{52})\.nar(?:\.(zst|xz|bz2))?$/;

export async function startNiks3Server(options: Niks3ServerOptions = {}): Promise<Niks3Server> {
	const { servesAt = '127.0.0.1', signs = true, audience = 'niks3.test', partsFromBytes = 10 * 2 ** 20 } = options;
	const token = `niks3-token-${randomUUID()}`;
	const serverKey = signs ? generateKey('niks3-1') : null;
	const faults = scriptedFaults();
	const committed = new Set<string>();
	const pending = new Map<string, Pending>();
	const uploads = new Map<string, string>();
	const identities: string[] = [];
	let closures = 0;
	const secret = randomBytes(16);
	const storage = await startSignedStorage({ host: servesAt, check: checkPut });
	const api = await startServer(async (request, response) => {
		if (!(await faults.meet(request, response))) await answer(request, response);
	});
	const bucket = await startServer((request, response) => void read(request, response));
	const github = await startServer((request, response) => void identify(request, response));
	const substituter = `http://${servesAt}:${bucket.url.port}/cache`;

	function checkPut(key: string, { bytes, headers }: StoredObject): string | null {
		if (!NARINFO.test(key)) return null;
		if (headers['content-type'] !== 'text/x-nix-narinfo') return 'a narinfo with another type';
		const info = parseNarInfo(bytes.toString(), { storeDir: '/nix/store', expectedHashPart: key.slice(0, 32) });
		const nar = storage.objects.get(info.url);
		if (nar === undefined) return `${key} before its NAR`;
		const compression = info.compression === 'zstd' ? 'zst' : 'xz';
		const problem = packedNarProblem(nar.bytes, compression, formatHash(info.narHash, 'nix32'), info.narSizeBytes);
		if (problem !== null) return problem;
		const absent = info.references.filter((path) => path !== info.storePath && !storage.objects.has(narInfoKey(path)));
		if (absent.length > 0) return `${key} before ${absent.join(' ')}`;
		const text = fingerprint({ ...info, path: info.storePath });
		const ours = publicKeysOf(serverKey);
		const isSigned = ours.length === 0 || info.signatures.some((signature) => verify(text, signature, ours));
		return isSigned ? null : `${key} without a signature of the server`;
	}

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<ServerResponse> {
		const { pathname } = new URL(request.url ?? '', 'http://host');
		const body = parsedBody(await bodyOf(request));
		const action = `${request.method} ${pathname}`;
		if (action === 'GET /api/cache-config') return json(response, configuration());
		const problem = whoIs(request.headers.authorization);
		if (problem !== null) return refuse(response, 401, problem);
		if (action === 'POST /api/pending_closures') return begin(response, body);
		if (action === 'POST /api/multipart/request-parts') return moreParts(response, body);
		if (action === 'POST /api/multipart/complete') return completeParts(response, body);
		if (pathname.startsWith('/api/objects/')) {
			return response.writeHead(committed.has(pathname.slice('/api/objects/'.length)) ? 204 : 404).end();
		}
		const [, id = '', step] = /^POST \/api\/pending_closures\/(\d+)\/(sign|complete)$/.exec(action) ?? [];
		const closure = pending.get(id);
		if (closure === undefined) return refuse(response, 404, 'pending closure not found');
		return step === 'sign' ? signNarInfos(response, closure, body) : commit(response, id, closure);
	}

	const configuration = () => ({
		substituter_url: substituter,
		public_keys: publicKeysOf(serverKey).map(formatPublicKey),
		...(audience === null ? {} : { oidc_audience: audience }),
		...(options.maxNarBytes === undefined ? {} : { max_nar_size: options.maxNarBytes }),
	});

	/** Why a request is refused, `null` when it is not. */
	function whoIs(authorization: string | undefined): string | null {
		const given = authorization?.replace(/^Bearer /, '') ?? '';
		if (given === token) return null;
		const [head = '', payload = '', signature] = given.split('.');
		if (signature !== mac(`${head}.${payload}`)) return 'Unauthorized';
		const claims = parsedBody(Buffer.from(payload, 'base64url'));
		if (audience === null || field(claims, 'aud') !== audience) return 'wrong audience';
		return Number(field(claims, 'exp')) * 1000 > Date.now() ? null : 'token is expired';
	}

	function identify(request: IncomingMessage, response: ServerResponse): ServerResponse {
		const { searchParams } = new URL(request.url ?? '', 'http://host');
		if (request.headers.authorization !== 'Bearer of-the-runner') return refuse(response, 401, 'not the runner');
		if (searchParams.get('api-version') !== '2.0') return refuse(response, 400, 'the parameters of the URL are gone');
		const exp = (Date.now() + (options.tokenLifeMs ?? 300_000)) / 1000;
		const claims = { aud: searchParams.get('audience'), exp, jti: identities.length };
		const text = [{ alg: 'HS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
		identities.push(`${text}.${mac(text)}`);
		return json(response, { value: identities.at(-1), count: 1 });
	}

	function mac(text: string): string {
		return createHmac('sha256', secret).update(text).digest('base64url');
	}

	function begin(response: ServerResponse, body: unknown): ServerResponse {
		const closure = field(body, 'closure');
		const objects = field(body, 'objects');
		if (typeof closure !== 'string' || !NARINFO.test(closure)) return refuse(response, 400, 'closure key must end with .narinfo');
		if (!Array.isArray(objects) || objects.length === 0) return refuse(response, 400, 'missing objects key');
		const lacking = new Map<string, readonly string[]>();
		const places: Record<string, unknown> = {};
		for (const object of objects) {
			const [name, type, refs] = [field(object, 'key'), field(object, 'type'), field(object, 'refs')];
			const pattern = type === 'narinfo' ? NARINFO : type === 'nar' ? NAR : null;
			if (typeof name !== 'string' || pattern === null || !pattern.test(name))
				return refuse(response, 400, `invalid key ${name}`);
			if (!Array.isArray(refs)) return refuse(response, 400, 'refs');
			if (committed.has(name)) continue;
			lacking.set(name, refs);
			places[name] = { type, ...placeOf(name, Number(field(object, 'nar_size') ?? 0)) };
		}
		const id = String(++closures);
		pending.set(id, { closure, objects: lacking });
		return json(response, { id, started_at: new Date().toISOString(), pending_objects: places });
	}

	function placeOf(name: string, narBytes: number): Readonly<Record<string, unknown>> {
		if (!name.startsWith('nar/') || narBytes <= partsFromBytes) return { presigned_url: storage.sign('PUT', name) };
		const uploadId = randomUUID();
		uploads.set(uploadId, name);
		const urls = Array.from({ length: options.firstParts ?? 2 }, (_, index) => partUrl(uploadId, index + 1));
		return { multipart_info: { upload_id: uploadId, part_urls: urls } };
	}

	const partUrl = (uploadId: string, number: number): string => storage.sign('PUT', `parts/${uploadId}/${number}`);

	function moreParts(response: ServerResponse, body: unknown): ServerResponse {
		const [uploadId, start, count] = [
			field(body, 'upload_id'),
			Number(field(body, 'start_part_number')),
			Number(field(body, 'num_parts')),
		];
		if (!(count >= 1 && count <= 1000 && start >= 1)) return refuse(response, 400, 'num_parts must be between 1 and 1000');
		if (typeof uploadId !== 'string' || uploads.get(uploadId) !== field(body, 'object_key'))
			return refuse(response, 404, 'multipart upload not found');
		const urls = Array.from({ length: count }, (_, index) => partUrl(uploadId, start + index));
		return json(response, { part_urls: urls, start_part_number: start });
	}

	function completeParts(response: ServerResponse, body: unknown): ServerResponse {
		const [uploadId, parts] = [field(body, 'upload_id'), field(body, 'parts')];
		const name = typeof uploadId === 'string' ? uploads.get(uploadId) : undefined;
		if (name === undefined || name !== field(body, 'object_key')) return refuse(response, 404, 'multipart upload not found');
		if (!Array.isArray(parts) || parts.length === 0) return refuse(response, 400, 'missing parts');
		const objects = parts.map((part, index) => {
			const object = storage.objects.get(`parts/${uploadId}/${index + 1}`);
			return field(part, 'part_number') === index + 1 && `"${field(part, 'etag')}"` === object?.eTag ? object : undefined;
		});
		if (objects.some((object) => object === undefined)) return refuse(response, 500, 'InvalidPart');
		const bytes = Buffer.concat(objects.map((object) => object?.bytes ?? Buffer.alloc(0)));
		storage.objects.set(name, { bytes, sizeBytes: bytes.length, eTag: '', headers: {} });
		uploads.delete(String(uploadId));
		return response.writeHead(204).end();
	}

	function signNarInfos(response: ServerResponse, closure: Pending, body: unknown): ServerResponse {
		const signatures: Record<string, readonly string[]> = {};
		for (const [name, info] of Object.entries(field(body, 'narinfos') ?? {})) {
			if (!closure.objects.has(name)) return refuse(response, 403, 'invalid narinfo key: not part of this pending closure');
			const [path, narHash, narSize, references] = ['store_path', 'nar_hash', 'nar_size', 'references'].map((of) =>
				field(info, of),
			);
			if (typeof path !== 'string' || narInfoKey(path) !== name) return refuse(response, 400, 'store_path');
			if (typeof narHash !== 'string' || typeof narSize !== 'number' || !Array.isArray(references))
				return refuse(response, 400, 'nar');
			if (!NAR.test(String(field(info, 'url')))) return refuse(response, 400, 'url');
			const text = fingerprint({ path, narHash: parseHash(narHash), narSizeBytes: narSize, references });
			signatures[name] = serverKey === null ? [] : [sign(text, serverKey)];
		}
		return json(response, { signatures });
	}

	function commit(response: ServerResponse, id: string, { objects }: Pending): ServerResponse {
		const absent = [...objects.keys()].filter((name) => !storage.objects.has(name));
		if (absent.length > 0) return refuse(response, 409, `not uploaded: ${absent.join(' ')}`);
		for (const name of objects.keys()) committed.add(name);
		pending.delete(id);
		return response.writeHead(204).end();
	}

	/** The bucket, which only reads. */
	function read({ method, headers, url = '' }: IncomingMessage, response: ServerResponse): ServerResponse {
		const wanted = options.readers === undefined ? undefined : `Basic ${Buffer.from(options.readers).toString('base64')}`;
		if (wanted !== undefined && headers.authorization !== wanted) return refuse(response, 401, 'Unauthorized');
		if (wanted === undefined && headers.authorization !== undefined)
			return refuse(response, 400, 'a public bucket was sent credentials');
		const info = Buffer.from('StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n');
		const name = url.replace(/^\/cache\//, '').replace(/\?.*$/, '');
		const bytes = name === 'nix-cache-info' ? info : storage.objects.get(name)?.bytes;
		if (bytes === undefined) return refuse(response, 404, 'NoSuchKey');
		return response.writeHead(200, { 'content-length': bytes.length }).end(method === 'HEAD' ? undefined : bytes);
	}

	return {
		cacheUrl: `niks3+http://127.0.0.1:${api.url.port}`,
		token,
		substituter,
		publicKeys: publicKeysOf(serverKey).map(formatPublicKey),
		identityEnv: {
			ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url.href}token?api-version=2.0`,
			ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-runner',
		},
		api,
		storage,
		faults,
		committed,
		pending,
		identities,
		requests: () => api.received.map(({ method, path }) => `${method} ${path.replace(/\?.*$/, '').replace(/\/\d+\//, '/ID/')}`),
		async [Symbol.asyncDispose]() {
			await Promise.all([api.close(), storage.close(), bucket.close(), github.close()]);
		},
	};
}

function publicKeysOf(key: ReturnType<typeof generateKey> | null) {
	return key === null ? [] : [publicKeyOf(key)];
}

function narInfoKey(path: string): string {
	return `${path.slice('/nix/store/'.length, '/nix/store/'.length + 32)}.narinfo`;
}

function json(response: ServerResponse, value: unknown): ServerResponse {
	return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** As Go's `http.Error`. */
function refuse(response: ServerResponse, status: number, message: string): ServerResponse {
	return response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
}
