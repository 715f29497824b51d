import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Credentials } from '../cache-target/credentials.ts';
import { CacheError, describeError, isCacheError, systemCode } from '../errors.ts';
import type { HttpClient } from '../http/client.ts';
import type { Log } from '../log.ts';
import { digestText, equalHash, type Hash, parseHash } from '../nix/hash.ts';
import { formatReleaseHash, type NixRelease, parsePublishedHash, tarballUrl } from '../nix/release.ts';
import type { ToolCache } from './tool-cache.ts';

export interface TarballMeans {
	readonly client: HttpClient;
	/** For the mirror's host. */
	readonly credentials: Credentials | null;
	readonly toolCache: ToolCache;
	/** Where the tarball goes when it is fetched. */
	readonly folder: string;
	readonly log: Log;
	readonly signal: AbortSignal;
}

/** The official ones have about 25 MB. */
const LIMIT_BYTES = 512 * 2 ** 20;
const PUBLISHED_HASH_LIMIT_BYTES = 4096;
const DOWNLOADS = 3;

/**
 * The path of a release's tarball, its hash checked: from the tool cache, where an earlier job on this machine left it, or from the server.
 * @throws CacheError `install-failed`, `disk-full`, `cache-*`, `cancelled`, `deadline`
 */
export async function getTarball(release: NixRelease, system: string, means: TarballMeans): Promise<string> {
	const kept = await keptTarball(release, system, means);
	if (kept !== null) return kept;
	const url = tarballUrl(release, system);
	const wanted = release.hashes.length > 0 ? release.hashes : [await publishedHash(url, means)];
	means.log.info(`Fetching ${url.href}.`);
	const file = join(means.folder, 'nix.tar.xz');
	const hash = await downloadWhole(url, file, means);
	if (!wanted.some((one) => equalHash(one, hash))) throw wrongHash(url, hash, release);
	if (release.hashes.length === 0) {
		means.log.notice(
			`Nix ${release.version} was checked against the hash that its own server publishes, which only finds a broken download. ` +
				`To pin what this job got, add \`${formatReleaseHash(hash)}\` to \`install-nix\`.`,
			'nix-cache-action',
		);
	}
	await keep(file, hash, release, system, means);
	return file;
}

/** The tarball of the tool cache. Its name is its hash, so one that was damaged or exchanged since is found out, also when the workflow gives no hash. */
async function keptTarball(release: NixRelease, system: string, { toolCache, log }: TarballMeans): Promise<string | null> {
	const folder = await toolCache.find(release.version, system);
	if (folder === null) return null;
	for (const name of await readdir(folder)) {
		const [, hex] = /^([0-9a-f]{64})\.tar\.xz$/.exec(name) ?? [];
		if (hex === undefined) continue;
		const hash = parseHash(hex, 'sha256');
		if (release.hashes.length > 0 && !release.hashes.some((one) => equalHash(one, hash))) continue;
		const file = join(folder, name);
		try {
			if (equalHash(await hashOf(file), hash)) {
				log.info(`Nix ${release.version} is in the tool cache.`);
				return file;
			}
			log.info(`${file} is damaged and is fetched again.`);
		} catch (error) {
			log.info(`${file} can't be read (${systemCode(error) ?? 'unknown'}) and is fetched again.`);
		}
	}
	return null;
}

/** That it can't be kept costs the next job a download. */
async function keep(
	file: string,
	hash: Hash,
	release: NixRelease,
	system: string,
	{ toolCache, log }: TarballMeans,
): Promise<void> {
	try {
		await toolCache.keep(file, `${digestText(hash, 'hex')}.tar.xz`, release.version, system);
	} catch (error) {
		log.info(`Nix is not kept in the tool cache: ${describeError(error)}`);
	}
}

async function publishedHash(tarball: URL, { client, credentials, signal }: TarballMeans): Promise<Hash> {
	const url = new URL(`${tarball.href}.sha256`);
	const limits = { accept: [200], limitBytes: PUBLISHED_HASH_LIMIT_BYTES };
	const { bytes } = await client.request({ method: 'GET', url, credentials, ...limits, signal });
	try {
		return parsePublishedHash(Buffer.from(bytes).toString('latin1'));
	} catch (cause) {
		throw new CacheError('install-failed', `${url.href} has no SHA-256 in it.`, {
			hint: 'Give the hash of the tarball in `install-nix`, as `sha256-…`.',
			cause,
		});
	}
}

/** Again when the line is cut in the middle: the client tries again only until an answer begins. */
async function downloadWhole(url: URL, file: string, means: TarballMeans): Promise<Hash> {
	for (let number = 1; ; number++) {
		try {
			return await download(url, file, means);
		} catch (error) {
			await rm(file, { force: true });
			if (isCacheError(error)) throw error;
			if (systemCode(error) === 'ENOSPC') {
				throw new CacheError('disk-full', `There is no room for ${url.href} in ${means.folder}.`, { cause: error });
			}
			if (number === DOWNLOADS || means.signal.aborted) {
				throw new CacheError('install-failed', `${url.href} broke off ${number} times: ${describeError(error)}.`, {
					cause: error,
				});
			}
			means.log.debug(`${url.href} broke off (${describeError(error)}); trying again`);
		}
	}
}

async function download(url: URL, file: string, { client, credentials, signal }: TarballMeans): Promise<Hash> {
	const request = { method: 'GET', url, credentials, accept: [200], limitBytes: 0, streamed: true, signal } as const;
	const { stream } = await client.request(request);
	if (stream === null) throw new CacheError('internal', `${url.href}: no stream.`);
	const digest = createHash('sha256');
	let sizeBytes = 0;
	async function* hashed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		for await (const part of source) {
			sizeBytes += part.length;
			if (sizeBytes > LIMIT_BYTES) throw new CacheError('install-failed', `${url.href} is longer than ${LIMIT_BYTES} bytes.`);
			digest.update(part);
			yield part;
		}
	}
	await pipeline(stream, hashed, createWriteStream(file, { mode: 0o644 }), { signal });
	return { algorithm: 'sha256', digest: digest.digest() };
}

async function hashOf(file: string): Promise<Hash> {
	const digest = createHash('sha256');
	await pipeline(createReadStream(file), digest);
	return { algorithm: 'sha256', digest: digest.digest() };
}

function wrongHash(url: URL, got: Hash, { hashes }: NixRelease): CacheError {
	const is = `${url.href} has the hash ${formatReleaseHash(got)}`;
	if (hashes.length === 0) {
		return new CacheError('install-failed', `${is}, which is not the one that stands beside it.`, {
			hint: 'The server, or a proxy on the way, does not give the file that was published; nothing was installed.',
		});
	}
	return new CacheError('install-failed', `${is}, which \`install-nix\` does not have.`, {
		hint: 'Nothing was installed. Each system has a tarball and a hash of its own: is that of this system there, and of this version?',
	});
}
