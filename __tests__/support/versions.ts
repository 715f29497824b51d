import { NIX_VERSIONS, type NixVersion } from '../../scripts/roots.ts';

/** The Nix versions to test with: all, or those that `NIX_VERSIONS` names (`2.8,2.34`). An unknown one is an error, not a skipped test. */
export function testedVersions(): readonly NixVersion[] {
	const wanted = process.env.NIX_VERSIONS?.split(/[\s,]+/).filter((name) => name !== '') ?? [];
	const found = wanted.map((name) => NIX_VERSIONS.find((version) => version === name));
	if (found.includes(undefined))
		throw new Error(`NIX_VERSIONS is \`${process.env.NIX_VERSIONS}\`; there are ${NIX_VERSIONS.join(', ')}`);
	return found.length === 0 ? NIX_VERSIONS : found.filter((version) => version !== undefined);
}
