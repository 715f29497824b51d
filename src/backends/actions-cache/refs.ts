/** Whose indexes a job reads and writes. GitHub scopes entries of its cache by ref: a job writes into that of its own and reads some others. */
export interface Refs {
	/** The only one that this job can write. */
	readonly own: string;
	/** Others that it can read, nearest first: a pull request's base, the default branch. */
	readonly others: readonly string[];
	/** Whether `own` is the default branch. */
	readonly isDefault: boolean;
}

/**
 * @param env `GITHUB_REF` and, for a pull request, `GITHUB_BASE_REF`
 * @param event the payload at `GITHUB_EVENT_PATH`, parsed; anything
 * @see https://docs.github.com/actions/reference/workflows-and-actions/dependency-caching (restrictions for accessing a cache)
 */
export function refsOf(env: Readonly<Record<string, string | undefined>>, event: unknown): Refs {
	const own = env.GITHUB_REF || 'refs/heads/main';
	const base = env.GITHUB_BASE_REF ? `refs/heads/${env.GITHUB_BASE_REF}` : null;
	const branch = defaultBranchOf(event);
	const fallback = branch === null ? null : `refs/heads/${branch}`;
	const others = [base, fallback].filter((ref) => ref !== null && ref !== own);
	return { own, others: [...new Set(others)].filter((ref) => ref !== null), isDefault: own === fallback };
}

function defaultBranchOf(event: unknown): string | null {
	if (typeof event !== 'object' || event === null || !('repository' in event)) return null;
	const { repository } = event;
	if (typeof repository !== 'object' || repository === null || !('default_branch' in repository)) return null;
	return typeof repository.default_branch === 'string' && repository.default_branch !== '' ? repository.default_branch : null;
}
