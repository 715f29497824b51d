/** How Nix is put on a machine that has none. */
export type Way =
	/** `/nix` belongs to this user, who works on it without a daemon. */
	| 'single-user'
	/** The same, after root has made the folder. */
	| 'single-user-by-sudo'
	/** `/nix` belongs to root; systemd runs the daemon, which builds as users of its own. */
	| 'daemon'
	/** As the release's own installer does it: on macOS, where `/nix` is a volume, and launchd runs the daemon. */
	| 'own-installer';

/** What the choice depends on. */
export interface MachineProbe {
	readonly platform: string;
	readonly isRoot: boolean;
	/** Whether root can be had without a password. Only asked when it matters. */
	readonly sudo: boolean;
	/** Whether systemd started this machine; in a container it did not. */
	readonly systemd: boolean;
	/** `/nix`: not there; this user may write in it; somebody else's, without a store in it; somebody else's store. */
	readonly nixFolder: 'missing' | 'ours' | 'empty' | 'foreign';
	/** Whether a volume has the name that Nix's installer gives to its own. Only asked on macOS. */
	readonly nixVolume: boolean;
}

/**
 * The way for this machine; why there is none, as a sentence, otherwise. docs/decisions/021-install-nix.md has the reasons.
 */
export function chooseWay(probe: MachineProbe): Way | { readonly whyNot: string } {
	const { platform, isRoot, sudo, systemd, nixFolder } = probe;
	if (nixFolder === 'ours') return 'single-user';
	if (platform === 'darwin') return chooseOnMacOS(probe);
	if (isRoot) return 'single-user';
	if (!sudo) return { whyNot: 'This user may not write to `/nix` and has no `sudo` without a password.' };
	if (systemd) return 'daemon';
	return nixFolder === 'foreign'
		? { whyNot: 'There is a store of another user in `/nix`, no `nix` that goes with it, and no systemd to run a daemon.' }
		: 'single-user-by-sudo';
}

/** The installer takes over what is in `/nix`, and a volume of that name, which it even deletes where it has no password for it: so only where there is neither. */
function chooseOnMacOS({ isRoot, sudo, nixFolder, nixVolume }: MachineProbe): Way | { readonly whyNot: string } {
	if (nixFolder === 'foreign') {
		return {
			whyNot: "There is a store of another user in `/nix`, and no `nix` that goes with it; Nix's installer would take it over.",
		};
	}
	if (nixVolume) {
		return {
			whyNot: "There is a volume `Nix Store` already, but no `nix` that goes with it; Nix's installer would take it over.",
		};
	}
	if (isRoot || sudo) return 'own-installer';
	return {
		whyNot: 'On macOS `/nix` takes a volume of its own, which takes root, and this user has no `sudo` without a password.',
	};
}
