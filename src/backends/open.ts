import type { StoreTarget } from '../cache-target/target.ts';
import { CacheError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import type { Log } from '../log.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { PublicKey, SecretKey } from '../nix/signature.ts';
import type { Backend, BackendKind } from './backend.ts';
import type { NixStores } from './nix-copy/other-store.ts';
import type { PathReader } from './path-reader.ts';

/** What the backends of a phase share. */
export interface BackendMeans {
	/** Stays open when a backend is closed. */
	readonly client: HttpClient;
	readonly log: Log;
	/** Of the job: what some kinds of cache know it by. */
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly storeDir: string;
	/** `null`: nothing is signed. */
	readonly signingKey: SecretKey | null;
	/** The job has further caches, which the key may be for. */
	readonly sharesKey: boolean;
	/** The keys that readers trust. */
	readonly publicKeys: readonly PublicKey[];
	/** For hosts without credentials of their own. */
	readonly netrc: readonly NetrcEntry[];
	/** Lookups in flight. */
	readonly lookups: number;
	/** Wanted by the kind `nix-copy` alone. */
	readonly nixStores?: NixStores;
}

/** Opens the backend for a cache with an address, and loads the code for its kind alone. Asks nothing of the cache yet. */
export async function openBackend(target: StoreTarget, means: BackendMeans): Promise<Backend> {
	switch (target.kind) {
		case 'http': {
			const [{ openHttpStore }, { createBinaryCache }] = await Promise.all([
				import('./http-store.ts'),
				import('./binary-cache.ts'),
			]);
			const { url: baseUrl, pushUrl, substituter, credentials } = target;
			const store = openHttpStore({ baseUrl, pushUrl, credentials, netrc: means.netrc, client: means.client });
			const cache = createBinaryCache({ ...means, kind: 'http', store, substituter });
			if (credentials?.kind !== 'bearer') return cache;
			const { withBearerReads } = await import('./bearer-reads.ts');
			return withBearerReads(cache, { baseUrl, token: credentials.token, client: means.client });
		}
		case 'attic': {
			const { createAtticCache } = await import('./attic/attic-cache.ts');
			return createAtticCache({ ...means, target });
		}
		case 'cachix': {
			const [{ createCachix }, { cachixToken }, openReading] = await Promise.all([
				import('./cachix/cachix.ts'),
				import('./cachix/token.ts'),
				binaryCacheOpener(means, 'cachix'),
			]);
			return createCachix({ ...means, target: { ...target, token: cachixToken(target, means.netrc) }, openReading });
		}
		case 'niks3': {
			const [{ createNiks3 }, openReading] = await Promise.all([import('./niks3/niks3.ts'), binaryCacheOpener(means, 'niks3')]);
			return createNiks3({ ...means, target, openReading });
		}
		case 'file': {
			const [{ openFileStore }, { createBinaryCache }] = await Promise.all([
				import('./file-store.ts'),
				import('./binary-cache.ts'),
			]);
			return createBinaryCache({ ...means, kind: 'file', store: openFileStore(target.folder), substituter: target.substituter });
		}
		case 's3': {
			const { openS3Cache } = await import('./s3/cache.ts');
			return openS3Cache(target, means);
		}
		case 'nix-copy': {
			const { createNixCopy } = await import('./nix-copy/nix-copy.ts');
			if (means.nixStores === undefined) throw new CacheError('internal', 'There is no Nix to copy with.');
			return createNixCopy({ ...means, target, nix: means.nixStores });
		}
	}
}

/** Opens a server's cache as Nix reads it, at the URL that the server names: what is trusted there are its own keys too. */
async function binaryCacheOpener(means: BackendMeans, kind: BackendKind) {
	const [{ openHttpStore }, { createBinaryCache }] = await Promise.all([import('./http-store.ts'), import('./binary-cache.ts')]);
	return (baseUrl: URL, netrc: readonly NetrcEntry[], publicKeys: readonly PublicKey[]): Backend => {
		const reading = { baseUrl, pushUrl: null, credentials: null, netrc: [...netrc, ...means.netrc], client: means.client };
		const trusted = [...means.publicKeys, ...publicKeys];
		return createBinaryCache({ ...means, kind, store: openHttpStore(reading), substituter: baseUrl.href, publicKeys: trusted });
	};
}

/** Opens a cache that the local substituter serves, because Nix can't read it by itself. Asks nothing of it: whoever found it to be served has read from it. */
export async function openReader(
	target: StoreTarget,
	means: Pick<BackendMeans, 'client' | 'log' | 'netrc' | 'storeDir'>,
): Promise<PathReader> {
	const { createBinaryCacheReader } = await import('./binary-cache-reader.ts');
	switch (target.kind) {
		case 'http': {
			const { openHttpStore } = await import('./http-store.ts');
			const { url: baseUrl, pushUrl, credentials } = target;
			const store = openHttpStore({ baseUrl, pushUrl, credentials, netrc: means.netrc, client: means.client }, true);
			return createBinaryCacheReader(store, means.storeDir);
		}
		case 's3': {
			const { openS3 } = await import('./s3/store.ts');
			return createBinaryCacheReader(openS3(target, means, true), means.storeDir);
		}
		default:
			throw new CacheError('input-invalid', `Nix reads ${target.place} by itself: it need not be served.`);
	}
}
