import type { StoreTarget } from '../cache-target/target.ts';
import { CacheError } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import type { Log } from '../log.ts';
import type { NetrcEntry } from '../nix/netrc.ts';
import type { PublicKey, SecretKey } from '../nix/signature.ts';
import type { Backend } from './backend.ts';
import type { PathReader } from './path-reader.ts';

/** What the backends of a phase share. */
export interface BackendMeans {
	/** Stays open when a backend is closed. */
	readonly client: HttpClient;
	readonly log: Log;
	readonly storeDir: string;
	/** `null`: nothing is signed. */
	readonly signingKey: SecretKey | null;
	/** The keys that readers trust. */
	readonly publicKeys: readonly PublicKey[];
	/** For hosts without credentials of their own. */
	readonly netrc: readonly NetrcEntry[];
	/** Lookups in flight. */
	readonly lookups: number;
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
			return createBinaryCache({ ...means, kind: 'http', store, substituter });
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
	}
}

/** Opens a cache that the local substituter serves, because Nix can't read it by itself. Asks nothing of it yet. */
export async function openReader(
	target: StoreTarget,
	means: Pick<BackendMeans, 'client' | 'log' | 'netrc' | 'storeDir'>,
): Promise<PathReader> {
	const { createBinaryCacheReader } = await import('./binary-cache-reader.ts');
	switch (target.kind) {
		case 'http': {
			const { openHttpStore } = await import('./http-store.ts');
			const { url: baseUrl, pushUrl, credentials } = target;
			const store = openHttpStore({ baseUrl, pushUrl, credentials, netrc: means.netrc, client: means.client });
			return createBinaryCacheReader(store, means.storeDir);
		}
		case 's3': {
			const { openS3 } = await import('./s3/store.ts');
			return createBinaryCacheReader(openS3(target, means), means.storeDir);
		}
		default:
			throw new CacheError('internal', `Nix reads ${target.place} by itself.`);
	}
}
