import { isCacheError } from '../errors.ts';
import type { PathInfo } from '../nix/path-info.ts';
import { isDerivation } from '../nix/store-path.ts';
import { isAtLeast, type NixVersion } from './nix-about.ts';
import { type Environment, type NixCommand, NixErrorOutput, type RunOptions } from './nix-command.ts';
import { explainOtherStore } from './other-store-trouble.ts';
import { chunksOf, queryPathInfos, takesStandardInput } from './path-info.ts';
import { shareSshConnection } from './ssh-connection.ts';
import { sshDestination } from './ssh-destination.ts';
import { parseTrusted } from './trust.ts';

interface CopyOptions {
	readonly substitute: boolean;
	readonly onPath: (path: string) => void;
}

const PING_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 5 * 60_000;
/** The end of a push is for its caller to say; this is the longest that a job of GitHub's may run. */
const COPY_TIMEOUT_MS = 6 * 60 * 60_000;

/** Side by side over one connection, of which a server allows 10 sessions if it is not told otherwise (`MaxSessions`). */
const INFO_PROCESSES = 4;
const INFOS_WORTH_A_PROCESS = 8;

/** ssh takes the first value of each, so those of the user go before. Nobody is there to be asked, and every wait has a limit. */
const SSH_OPTIONS = '-oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15 -oServerAliveCountMax=4';

export interface OtherStoreOptions {
	readonly env: Environment;
	readonly storeDir: string;
	readonly url: string;
	/** The store's name for people. */
	readonly label: string;
	readonly privateFolder: string;
}

/** A store beside that of this machine, as `nix --store URL` opens it: `OtherStore` of backends/nix-copy/other-store.ts, which has the contract. Starts no process. */
export function openOtherStore(local: NixCommand, { env, storeDir, url, label, privateFolder }: OtherStoreOptions) {
	const sshOptions = `${env.NIX_SSHOPTS ?? ''} ${SSH_OPTIONS}`.trim();
	const direct = local.withEnvironment({ NIX_SSHOPTS: sshOptions, SSH_ASKPASS_REQUIRE: 'never' });
	const ssh = isSharingTried(local.about.version) ? sshDestination(url) : null;
	const connection = ssh === null ? null : shareSshConnection({ ssh, sshOptions, env: direct.environment, privateFolder });
	const store = ['--store', url];

	const explained = async <T>(asked: Promise<T>): Promise<T> => {
		try {
			return await asked;
		} catch (error) {
			if (!isCacheError(error, 'nix-failed') || !(error.cause instanceof NixErrorOutput)) throw error;
			throw explainOtherStore(error.cause.message, label, error);
		}
	};

	/** Over the shared connection where there is one. What fails there, and may be asked again, is asked over one of its own, whose errors are those that count. */
	const ask = async <T>(question: (nix: NixCommand) => Promise<T>, signal: AbortSignal, mayRepeat = () => true): Promise<T> => {
		const shared = (await connection?.options(signal)) ?? null;
		if (shared === null) return explained(question(direct));
		try {
			return await explained(question(direct.withEnvironment({ NIX_SSHOPTS: `${sshOptions} ${shared}` })));
		} catch (error) {
			if (!isCacheError(error) || isCacheError(error, ...NOT_OF_CONNECTION) || signal.aborted || !mayRepeat()) throw error;
			await connection?.close();
			return explained(question(direct));
		}
	};

	const infos = async (paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PathInfo | null>> => {
		const isShared = paths.length > 0 && typeof (await connection?.options(signal)) === 'string';
		// Nix asks for one path after another, so where that takes no connections of their own, several processes ask.
		const processes = isShared ? Math.min(INFO_PROCESSES, Math.ceil(paths.length / INFOS_WORTH_A_PROCESS)) : 1;
		const answers = await Promise.all(
			equalParts(paths, processes).map((part) => ask((nix) => queryPathInfos(nix, storeDir, part, signal, store), signal)),
		);
		return new Map(answers.flatMap((answer) => [...answer]));
	};

	return {
		connect(): void {
			connection?.begin();
		},

		async ping(signal: AbortSignal): Promise<boolean | null> {
			const options = { signal, timeoutMs: PING_TIMEOUT_MS };
			const command = isAtLeast(local.about.version, 2, 26) ? 'info' : 'ping';
			const format = isAtLeast(local.about.version, 2, 19) ? ['--json'] : [];
			// It is the only question of its process, and says what is wrong.
			return parseTrusted(await explained(direct.run(['store', command, ...format, ...store], options)));
		},

		async missing(paths: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
			// In place of `path-info`, which asks for one path after another, and up to 2.26 connects anew after each that is missing. A derivation file would be
			// taken for its outputs.
			const asked = new Set(paths.filter((path) => !isDerivation(path)));
			const missing = new Set<string>();
			// A line that is lost would be a path that counts as there.
			const onErrorLines = (lines: readonly string[]): void => {
				for (const line of lines) {
					const path = /^ {2}(\/\S+)$/.exec(line)?.[1];
					if (path !== undefined && asked.has(path)) missing.add(path);
				}
			};
			const oneByOne = paths.filter(isDerivation);
			for (const chunk of chunksOf([...asked])) {
				try {
					const options = { signal, timeoutMs: ASK_TIMEOUT_MS, onErrorLines };
					const command = ['--realise', '--dry-run', '--option', 'substitute', 'false', ...store, ...chunk];
					await ask((nix) => nix.runStore(command, options), signal);
				} catch (error) {
					// A daemon looks at its own substituters there, and fails with them.
					if (!isCacheError(error, 'cache-failing')) throw error;
					oneByOne.push(...chunk);
				}
			}
			for (const [path, info] of await infos(oneByOne, signal)) if (info === null) missing.add(path);
			return missing;
		},

		infos,

		async copy(paths: readonly string[], { substitute, onPath }: CopyOptions, signal: AbortSignal): Promise<void> {
			let begun = false;
			const onErrorLine = (line: string): void => {
				const path = /^copying path '([^']+)'/.exec(line)?.[1];
				if (path === undefined) return;
				begun = true;
				onPath(path);
			};
			const flags = substitute ? ['--substitute-on-destination'] : [];
			// Whether unsigned paths are taken is for the other store to say: it looks at signatures all the same where it does not trust this user.
			const command = ['copy', '-v', '--no-recursive', '--no-check-sigs', ...flags, '--to', url];
			const options = { signal, timeoutMs: COPY_TIMEOUT_MS, onErrorLine };
			// In the middle of a path nothing is repeated: a Nix 2.26 that was cut off there never lets go of that path's lock, and whoever sends it again waits for it.
			await ask(
				(nix) => withPaths(nix, command, paths, options),
				signal,
				() => !begun,
			);
		},

		async takeSignatures(from: string, paths: readonly string[], where: 'here' | 'there', signal: AbortSignal): Promise<void> {
			const signable = paths.filter((path) => !isDerivation(path));
			if (signable.length === 0) return;
			const command = ['store', 'copy-sigs', '--substituter', from];
			const options = { signal, timeoutMs: ASK_TIMEOUT_MS };
			if (where === 'here') await withPaths(direct, command, signable, options);
			else await ask((nix) => withPaths(nix, [...command, ...store], signable, options), signal);
		},

		async close(): Promise<void> {
			await connection?.close();
		},
	};
}

/** What the other store says of paths, and what this one does: no other connection changes it. */
const NOT_OF_CONNECTION = ['cache-forbidden', 'path-corrupt', 'cancelled'] as const;

/**
 * Whether Nix and a shared connection get along. Nix 2.15 waits forever for a word that ssh says with a connection of its own alone (NixOS/nix#8329). Determinate Nix shares
 * connections itself, and then takes ours for its own; Lix was not tried.
 */
function isSharingTried(version: NixVersion): boolean {
	return version.implementation === 'nix' && !(version.major === 2 && version.minor === 15);
}

async function withPaths(
	nix: NixCommand,
	command: readonly string[],
	paths: readonly string[],
	options: RunOptions,
): Promise<void> {
	if (takesStandardInput(nix)) {
		await nix.run([...command, '--stdin'], { ...options, input: `${paths.join('\n')}\n` });
		return;
	}
	for (const chunk of chunksOfKind(paths)) {
		// An old Nix takes a derivation file for its outputs, unless told otherwise.
		const kind = chunk.some(isDerivation) ? ['--derivation'] : [];
		await nix.run([...command, ...kind, ...chunk], options);
	}
}

function equalParts(paths: readonly string[], parts: number): readonly (readonly string[])[] {
	const size = Math.ceil(paths.length / parts);
	return Array.from({ length: parts }, (_, index) => paths.slice(index * size, (index + 1) * size)).filter(
		(part) => part.length > 0,
	);
}

/** In the same order; derivation files apart from others. */
function chunksOfKind(paths: readonly string[]): readonly (readonly string[])[] {
	const runs: string[][] = [];
	for (const path of paths) {
		const run = runs.at(-1);
		if (run?.[0] !== undefined && isDerivation(run[0]) === isDerivation(path)) run.push(path);
		else runs.push([path]);
	}
	return runs.flatMap(chunksOf);
}
