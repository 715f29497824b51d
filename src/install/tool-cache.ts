/** The runner's tool cache: files that stay on a self-hosted machine, by version and system. */
export interface ToolCache {
	/** The folder of what was kept; `null` when there is nothing. */
	find(version: string, system: string): Promise<string | null>;
	/** Copies a file there, in place of what was kept before. */
	keep(file: string, name: string, version: string, system: string): Promise<void>;
}

const TOOL = 'nix';

/** The tool cache of the machine, where there is one (`RUNNER_TOOL_CACHE`). */
export function openToolCache(env: Readonly<Record<string, string | undefined>>): ToolCache {
	// The package reads the variable itself, and asserts that it is set.
	if (!env.RUNNER_TOOL_CACHE) return { find: async () => null, keep: async () => undefined };
	const load = () => import('@actions/tool-cache');
	return {
		find: async (version, system) => (await load()).find(TOOL, version, system) || null,
		async keep(file, name, version, system) {
			await (await load()).cacheFile(file, name, TOOL, version, system);
		},
	};
}
