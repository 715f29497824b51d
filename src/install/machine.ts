import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Caller, canBecomeRoot } from '../setup/run-as-root.ts';
import type { MachineProbe } from './way.ts';

const DISKUTIL_TIMEOUT_MS = 20_000;

/** Looks at this machine. */
export async function probeMachine(caller: Caller): Promise<MachineProbe> {
	const isRoot = process.getuid?.() === 0;
	const nixFolder = await probeNixFolder();
	const needsRoot = !isRoot && nixFolder !== 'ours';
	return {
		platform: process.platform,
		isRoot,
		sudo: needsRoot && (await canBecomeRoot(caller)),
		// sd_booted(3)
		systemd: await canAccess('/run/systemd/system', constants.F_OK),
		nixFolder,
		nixVolume: nixFolder !== 'ours' && process.platform === 'darwin' && (await hasNixVolume()),
	};
}

/** Its name is that of `NIX_VOLUME_LABEL` in NixOS/nix, scripts/create-darwin-volume.sh. `diskutil` fails for a name that it does not know. */
function hasNixVolume(): Promise<boolean> {
	return promisify(execFile)('/usr/sbin/diskutil', ['info', 'Nix Store'], { env: {}, timeout: DISKUTIL_TIMEOUT_MS }).then(
		() => true,
		() => false,
	);
}

async function probeNixFolder(): Promise<MachineProbe['nixFolder']> {
	if (!(await canAccess('/nix', constants.F_OK))) return 'missing';
	const store = (await canAccess('/nix/store', constants.F_OK)) ? '/nix/store' : null;
	if (await canAccess(store ?? '/nix', constants.W_OK)) return 'ours';
	return store === null ? 'empty' : 'foreign';
}

/** Whether this process can do with the file what `mode` says (access(2)). */
export function canAccess(file: string, mode: number): Promise<boolean> {
	return access(file, mode).then(
		() => true,
		() => false,
	);
}
