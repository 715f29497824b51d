import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createHttpClient } from '../http/client.ts';
import { installNix } from '../install/install-nix.ts';
import { PROFILE } from '../install/put-in-place.ts';
import { openToolCache } from '../install/tool-cache.ts';
import { findNetrc } from '../nix/netrc.ts';
import type { NixRelease } from '../nix/release.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { Session } from './session.ts';
import { stopOnSignals } from './stop.ts';

/** A slow line needs some minutes for 25 MB; a machine without Nix is of no use to the job, so it is worth the wait. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** Where distributions have their certificate authorities. Nix by itself looks at the first one only, then at the bundle of its own profile. */
const BUNDLES = [
	'/etc/ssl/certs/ca-certificates.crt',
	'/etc/pki/tls/certs/ca-bundle.crt',
	'/etc/ssl/ca-bundle.pem',
	'/etc/ssl/cert.pem',
];

/** Installs Nix, as `install-nix` says, for this job's further steps. Throws `install-failed`, `disk-full`, `deadline`. */
export async function installRelease(session: Session, release: NixRelease): Promise<void> {
	const { inputs, runner, state } = session;
	const { env, log } = runner;
	const stop = stopOnSignals(log, 'Nix may be there in part');
	const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)]);
	// Never the entry `default`: what is meant for any cache is not meant for a server of Nix's project.
	const entry = findNetrc(
		inputs.netrc.filter(({ machine }) => machine !== null),
		release.mirror.hostname,
	);
	const client = createHttpClient({ env, log, connections: 2, attempts: 4, patienceMs: 30_000 });
	try {
		const way = await log.group(`Installing Nix ${release.version}`, () =>
			installNix(
				release,
				state().id,
				{ env, signal },
				{
					client,
					credentials: entry === null ? null : { kind: 'basic', username: entry.login, password: entry.password },
					toolCache: openToolCache(env),
					folder: state().folder,
					log,
					signal,
				},
			),
		);
		log.info(
			`Nix ${release.version} is installed, ${way === 'daemon' || way === 'own-installer' ? 'with a daemon' : 'without a daemon'}.`,
		);
	} finally {
		stop.close();
		await client.close();
	}
	await offerNix(session, join(PROFILE, 'bin'));
}

/** That a step finds Nix where main did: a machine that kept Nix from an earlier job has it, but not in the `PATH` of this one. */
export async function offerFoundNix(session: Session, store: LocalStore): Promise<void> {
	const { runner } = session;
	runner.log.info(`Nix ${store.nix.about.version.text} is there already: nothing is installed.`);
	const folder = dirname(store.nix.program);
	if (!(runner.env.PATH ?? '').split(delimiter).includes(folder)) await offerNix(session, folder);
}

async function offerNix({ runner }: Session, folder: string): Promise<void> {
	const { env } = runner;
	// Of the two the profile of the user comes first, for what the job installs.
	runner.addPath(folder);
	if (env.HOME !== undefined) runner.addPath(join(env.HOME, '.nix-profile/bin'));
	if (env.NIX_SSL_CERT_FILE || env.SSL_CERT_FILE) return;
	const there = await Promise.all(BUNDLES.map(isReadable));
	const bundle = BUNDLES[there.indexOf(true)];
	if (bundle !== undefined && bundle !== BUNDLES[0]) runner.exportVariable('NIX_SSL_CERT_FILE', bundle);
}

function isReadable(file: string): Promise<boolean> {
	return access(file, constants.R_OK).then(
		() => true,
		() => false,
	);
}
