/** Inputs whose values are secrets: never saved in the state, never shown. */
export const SECRET_INPUTS: ReadonlySet<string> = new Set([
	'signing-key',
	'username',
	'password',
	'token',
	'netrc',
	'github-token',
]);

/** Every input of action.yml. */
export const INPUT_NAMES: readonly string[] = [
	'cache',
	'push-url',
	'substituters',
	'trusted-public-keys',
	'signing-key',
	'username',
	'password',
	'token',
	'netrc',
	'push',
	'paths',
	'include',
	'exclude',
	'max-path-size',
	'skip-signed-by',
	'compression',
	'compression-level',
	'concurrency',
	'continuous',
	'shared-store',
	'push-timeout',
	'on-push-failure',
	'fallback',
	'verify',
	'actions-cache-size',
	'install-nix',
	'github-token',
	'lane',
	'job-status',
];

/** Reads an input by name; an input that was not given is ''. */
export type GetInput = (name: string) => string;

/** How the runner hands inputs over: `INPUT_` and the name in capitals, blanks as underscores, hyphens kept. */
export function inputFromEnv(env: Readonly<Record<string, string | undefined>>): GetInput {
	return (name) => (env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim();
}
