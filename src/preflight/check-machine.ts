import type { Problem } from '../problem.ts';
import type { Disk, Facts } from './facts.ts';

/** Pure: the machine itself. */

const GIB = 2 ** 30;
/** Where packing a large path, or one larger build, is in danger. */
const LEAST_FREE_BYTES = GIB;

/** Nix 2.24.0 to 2.24.5: a NAR from a cache could write anywhere as root (CVE-2024-45593, GHSA-h4vv-h3jq-v493). */
export function checkVersion({ nix }: Facts): readonly Problem[] {
	if (nix.implementation !== 'nix' || !/^2\.24\.[0-5](?!\d)/.test(nix.text)) return [];
	return [
		{
			code: 'nix-unsafe',
			level: 'warning',
			title: 'This Nix is not safe to use with caches',
			message: `In Nix ${nix.text} a path from a cache can write anywhere on the machine when it is unpacked (CVE-2024-45593).`,
			fix: 'Install 2.24.6 or later (`sudo nix upgrade-nix`, or another version in the step that installs it).',
		},
	];
}

export function checkDisks({ disks, effective }: Facts): readonly Problem[] {
	const low = disks.filter(({ freeBytes }) => freeBytes < LEAST_FREE_BYTES);
	const [first, ...others] = low.filter(({ device }, index) => low.findIndex((other) => other.device === device) === index);
	if (first !== undefined) {
		const where = [first, ...others].map(
			({ folder, holds, freeBytes }) => `${megabytes(freeBytes)} in ${folder} (${HOLDS[holds]})`,
		);
		const message = `There are only ${where.join(' and ')} left, and builds and uploads fail when that is used up.`;
		return [diskLow(message, first.holds === 'store' ? 'Free space in a step before: `nix-collect-garbage`.' : FREE_TEMP)];
	}
	const store = disks.find(({ holds }) => holds === 'store');
	if (store === undefined || store.freeBytes >= effective.minFreeBytes) return [];
	const message = `There are ${megabytes(store.freeBytes)} left in ${store.folder}, less than Nix's \`min-free\`, so every build begins with collecting garbage.`;
	return [diskLow(message, 'Free space in a step before, `nix-collect-garbage`, or lower `min-free` in nix.conf.')];
}

function diskLow(message: string, fix: string): Problem {
	return { code: 'disk-low', level: 'warning', title: 'The disk is nearly full', message, fix };
}

const HOLDS: Readonly<Record<Disk['holds'], string>> = { store: 'the Nix store', temp: 'what is packed for the upload' };
const FREE_TEMP = 'Free space there in a step before (`df -h "$RUNNER_TEMP"`), or lower `concurrency` and set `max-path-size`.';

function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(0)} MB`;
}
