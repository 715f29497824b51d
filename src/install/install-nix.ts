import { CacheError, describeError, isCacheError } from '../errors.ts';
import { type NixRelease, nixSystem } from '../nix/release.ts';
import type { Caller } from '../setup/run-as-root.ts';
import { probeMachine } from './machine.ts';
import { installByItsOwnInstaller } from './own-installer.ts';
import { putInPlace } from './put-in-place.ts';
import { getTarball, type TarballMeans } from './tarball.ts';
import { chooseWay, type Way } from './way.ts';

const OTHER_INSTALLER = 'Install Nix in a step before this one, for example with cachix/install-nix-action.';
const WHICH_RELEASES =
	'Is the version right? https://releases.nixos.org/?prefix=nix/ lists them; a mirror has `nix-VERSION/nix-VERSION-SYSTEM.tar.xz` and the same with `.sha256`.';

/**
 * Installs a release of Nix on a machine that has none. `id` names this use of the action.
 * @throws CacheError `install-failed`
 */
export async function installNix(release: NixRelease, id: string, caller: Caller, means: TarballMeans): Promise<Way> {
	const system = nixSystem(process.platform, process.arch);
	if (system === null) {
		throw new CacheError('install-failed', `There is no Nix for ${process.platform} on ${process.arch}.`, {
			hint: OTHER_INSTALLER,
		});
	}
	const way = chooseWay(await probeMachine(caller));
	if (typeof way !== 'string') throw new CacheError('install-failed', way.whyNot, { hint: OTHER_INSTALLER });
	try {
		const tarball = await getTarball(release, system, means);
		if (way === 'own-installer') await installByItsOwnInstaller(tarball, means.folder, means.log, caller);
		else await putInPlace(tarball, way, id, caller);
		return way;
	} catch (cause) {
		if (isCacheError(cause, 'install-failed')) throw cause;
		const what = `Nix ${release.version} for ${system} can't be installed:`;
		// Whatever it is: the job has no Nix to go on with.
		if (!isCacheError(cause)) throw new CacheError('install-failed', `${what} ${describeError(cause)}.`, { cause });
		const hint = cause.code === 'cache-not-found' ? WHICH_RELEASES : (cause.hint ?? undefined);
		throw new CacheError('install-failed', `${what} ${cause.message}`, { hint, cause });
	}
}
