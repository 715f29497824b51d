import type { Command, Exit, Option, Variable } from './command.ts';

export const PROGRAM = 'nix-cache-action';

/** Options that every command has. */
export const COMMON: readonly Option[] = [
	{ name: 'json', value: null, meaning: 'Print the result as JSON on standard output, and nothing else there.' },
	{ name: 'quiet', short: 'q', value: null, meaning: 'Say nothing but warnings and errors.' },
	{ name: 'verbose', short: 'v', value: null, meaning: 'Say what is only of use when something does not work.' },
	{ name: 'help', short: 'h', value: null, meaning: 'Show this text.' },
];

const USAGE: Exit = { status: 2, meaning: 'The command line or an environment variable is wrong; nothing was done.' };
const WELL: Exit = { status: 0, meaning: 'All is well.' };
const FAILED: Exit = { status: 1, meaning: 'It failed.' };
const NO_CACHE: Exit = {
	status: 3,
	meaning: 'The cache can not be used: it does not answer, refuses the credentials, or takes nothing.',
};
const STOPPED: Exit = { status: 130, meaning: 'SIGINT or SIGTERM ended it.' };

const CREDENTIALS: readonly Variable[] = [
	{
		name: 'NIX_CACHE_USERNAME',
		input: 'username',
		meaning:
			'User name for HTTP basic authentication; for `s3://` the access key id, where it is not the usual chain of AWS that finds it.',
	},
	{
		name: 'NIX_CACHE_PASSWORD',
		input: 'password',
		meaning: 'Password for HTTP basic authentication; for `s3://` the secret access key.',
	},
	{ name: 'NIX_CACHE_TOKEN', input: 'token', meaning: 'Token, for caches that take one (attic, Cachix, niks3, HTTP bearer).' },
	{
		name: 'NIX_CACHE_NETRC',
		input: 'netrc',
		meaning: "More credentials, as netrc text. Those of Nix's own `netrc-file` count as well.",
	},
];

const SIGNING_KEY: Variable = {
	name: 'NIX_CACHE_SIGNING_KEY',
	input: 'signing-key',
	meaning: 'Secret key to sign with, `name:base64`, as `keygen` and `nix-store --generate-binary-cache-key` write it.',
};

const URL_MEANING =
	'The cache: `https://…`, `http://…`, `s3://…`, `file:///…`, `attic://…`, `cachix://…`, `niks3://…`, `ssh-ng://…`, `ssh://…`, or `actions-cache` in a job of GitHub Actions. Each kind is what it is in the action.';

const TRUSTED_KEYS: Option = {
	name: 'trusted-public-keys',
	value: 'KEY',
	repeats: true,
	input: 'trusted-public-keys',
	meaning: 'Public key (`name:base64`) whose signatures readers of the cache believe.',
};

const ACTIONS_CACHE_NEEDS =
	'It works inside of a GitHub Actions job only, where `ACTIONS_RUNTIME_TOKEN` and `ACTIONS_RESULTS_URL` are set. The runner gives these to actions and not to `run:` steps; docs/cli.md shows how to hand them on.';

export const COMMANDS: readonly Command[] = [
	{
		name: 'push',
		summary: 'Push store paths and all that they need to a cache',
		operands: [
			{ name: 'URL', count: 'one', meaning: URL_MEANING },
			{
				name: 'PATH',
				count: 'many',
				completes: 'files',
				meaning: 'A store path, a link to one such as `result`, or `-` for paths on standard input, one per line.',
			},
		],
		options: [
			{ name: 'dry-run', value: null, meaning: 'Say what would be pushed, and send nothing.' },
			{
				name: 'signing-key-file',
				value: 'FILE',
				completes: 'files',
				meaning: 'File with the secret key to sign with, in place of NIX_CACHE_SIGNING_KEY.',
			},
			{
				name: 'push-url',
				value: 'URL',
				input: 'push-url',
				meaning: 'Where an HTTP cache takes uploads, when that is not where it serves them.',
			},
			{
				name: 'include',
				value: 'REGEXP',
				repeats: true,
				input: 'include',
				meaning: 'Push only paths of which `<hash>-<name>` matches, and what they need.',
			},
			{
				name: 'exclude',
				value: 'REGEXP',
				repeats: true,
				input: 'exclude',
				meaning: 'Leave out paths of which `<hash>-<name>` matches, and what needs them.',
			},
			{
				name: 'max-path-size',
				value: 'SIZE',
				input: 'max-path-size',
				meaning: 'Leave out larger paths, e.g. `2 GiB`, and what needs them.',
			},
			{
				name: 'skip-signed-by',
				value: 'NAMES',
				input: 'skip-signed-by',
				default: 'cache.nixos.org-1',
				meaning: 'Names of keys; a path that one of them signed is not pushed. Empty: push those as well.',
			},
			{
				name: 'compression',
				value: 'KIND',
				choices: ['zstd', 'xz', 'gzip', 'br', 'none'],
				default: 'zstd',
				input: 'compression',
				meaning: 'How NARs are compressed.',
			},
			{ name: 'compression-level', value: 'N', input: 'compression-level', meaning: 'The higher, the smaller and slower.' },
			{ name: 'concurrency', value: 'N', default: 'auto', input: 'concurrency', meaning: 'Uploads in flight.' },
			{
				name: 'push-timeout',
				value: 'TIME',
				default: '6 h',
				input: 'push-timeout',
				meaning: 'The longest that the push may take, e.g. `10 min`.',
			},
			{
				name: 'verify',
				value: 'HOW',
				choices: ['sample', 'all', 'none'],
				default: 'sample',
				input: 'verify',
				meaning: 'Read back what was pushed and check it: up to 64 paths, all, or none.',
			},
			TRUSTED_KEYS,
		],
		variables: [SIGNING_KEY, ...CREDENTIALS],
		description: [
			'What is there already is not sent again. A path becomes visible when all that it needs is there, so that nobody ever reads a cache with a hole in it, also when this is stopped in the middle.',
		],
		json: 'the report, the same that the action writes',
		exits: [
			{ status: 0, meaning: 'All of it is in the cache now, but for what filters leave out.' },
			{ status: 1, meaning: 'Some paths failed, could not be read back, or there was no time for them; or there is no Nix.' },
			USAGE,
			NO_CACHE,
			STOPPED,
		],
		examples: [
			'nix-cache-action push https://cache.example.org/nix ./result',
			'nix-store --query --requisites ./result | nix-cache-action push file:///srv/nix-cache -',
		],
	},
	{
		name: 'serve',
		summary: 'Serve a cache that needs credentials to Nix on this machine',
		operands: [{ name: 'URL', count: 'one', meaning: 'The cache: `https://…`, `http://…` or `s3://…`.' }],
		options: [
			{ name: 'port', value: 'N', meaning: 'Port on 127.0.0.1. Without it the system chooses one.' },
			{
				name: 'netrc-file',
				value: 'FILE',
				completes: 'files',
				meaning:
					"Write a netrc for Nix there: the entries of Nix's own, and the one for this server. It must not exist, and is removed at the end.",
			},
		],
		variables: CREDENTIALS,
		description: [
			'For caches that Nix can not read by itself, such as one that wants a bearer token, or a private bucket for a daemon without its credentials. It runs until Ctrl-C or SIGTERM, and prints the URL for `extra-substituters` and the line for the netrc. Nobody can read from it without the password in that line, which is a new one each time.',
		],
		json: 'one line when it is ready: `url`, `machine`, `login`, `password`',
		exits: [{ status: 0, meaning: 'It was ended by SIGINT or SIGTERM.' }, FAILED, USAGE, NO_CACHE],
		examples: ['nix-cache-action serve https://cache.example.org/nix --netrc-file /run/user/1000/nix-netrc'],
	},
	{
		name: 'doctor',
		summary: 'Look for what keeps Nix from using caches on this machine',
		operands: [
			{
				name: 'URL',
				count: 'any',
				meaning: 'Caches to look at beside those that Nix is set to use. Credentials from the environment are for the first one.',
			},
		],
		options: [
			{
				name: 'signing-key-file',
				value: 'FILE',
				completes: 'files',
				meaning: 'File with the secret key, in place of NIX_CACHE_SIGNING_KEY.',
			},
			TRUSTED_KEYS,
		],
		variables: [SIGNING_KEY, ...CREDENTIALS],
		description: [
			'It says which Nix there is, whether its daemon trusts this user, which caches Nix reads from and what they answer, and which keys count. It changes nothing on this machine and puts no path into any cache; those that are named are asked whether they would take some.',
		],
		json: '`findings` that are well, and `problems`, each with its `fix`',
		exits: [
			{ status: 0, meaning: 'Nothing is wrong; a notice may be meant so.' },
			{ status: 1, meaning: 'There are warnings, each of them said with its fix; or there is no Nix.' },
			USAGE,
		],
		examples: ['nix-cache-action doctor', 'nix-cache-action doctor https://cache.example.org/nix'],
	},
	{
		name: 'keygen',
		summary: 'Make a key pair to sign store paths with',
		operands: [{ name: 'NAME', count: 'one', meaning: 'Name of the key, e.g. `example.org-1`. It stands in each signature.' }],
		options: [
			{
				name: 'secret-key-file',
				value: 'FILE',
				completes: 'files',
				meaning:
					'Where the secret key goes. Without it: `NAME.secret` in this folder. A file that is there is never written over.',
			},
		],
		variables: [],
		description: ['The secret key goes to a file that only you can read; the public key, for `trusted-public-keys`, is printed.'],
		json: '`name`, `publicKey`, `secretKeyFile`',
		exits: [WELL, FAILED, USAGE],
		examples: ['nix-cache-action keygen example.org-1'],
	},
	{
		name: 'ls',
		summary: 'List what the store in the Actions cache holds for this ref',
		operands: [],
		options: [
			{
				name: 'all-refs',
				value: null,
				meaning: 'What this job can read of other refs as well: the base and the default branch.',
			},
		],
		variables: [],
		description: [
			'For each path: when a job last used it, the size of its NAR, what it takes in the cache, its name. With `--json` the packs as well.',
			ACTIONS_CACHE_NEEDS,
		],
		json: '`refs`, `packs` and `paths`',
		exits: [WELL, FAILED, USAGE, { status: 3, meaning: 'There is no Actions cache here, or it does not answer.' }],
		examples: ['nix-cache-action ls'],
	},
	{
		name: 'gc',
		summary: 'Bring the store in the Actions cache under a size',
		operands: [],
		options: [
			{
				name: 'actions-cache-size',
				value: 'SIZE',
				default: '8 GiB',
				input: 'actions-cache-size',
				meaning: 'What this ref may take. Paths that were not used for longest go first.',
			},
			{ name: 'dry-run', value: null, meaning: 'Say what would go, and change nothing.' },
		],
		variables: [],
		description: [
			'Jobs on the default branch do this by themselves when they push. Packs that nothing refers to any more are not deleted, which takes another token: GitHub evicts what nobody reads after 7 days.',
			ACTIONS_CACHE_NEEDS,
		],
		json: 'numbers before and after, and the paths that went',
		exits: [WELL, FAILED, USAGE, { status: 3, meaning: 'There is no Actions cache here, or it does not answer.' }],
		examples: ['nix-cache-action gc --actions-cache-size 4GiB --dry-run'],
	},
	{
		name: 'completion',
		summary: 'Print completion for a shell',
		operands: [{ name: 'SHELL', count: 'one', completes: ['bash', 'zsh', 'fish'], meaning: '`bash`, `zsh` or `fish`.' }],
		options: [],
		variables: [],
		description: [],
		json: null,
		exits: [WELL, USAGE],
		examples: [
			'eval "$(nix-cache-action completion bash)"',
			'nix-cache-action completion zsh > "$fpath[1]/_nix-cache-action"',
			'nix-cache-action completion fish > ~/.config/fish/completions/nix-cache-action.fish',
		],
	},
];

export function commandNamed(name: string): Command | null {
	return COMMANDS.find((command) => command.name === name) ?? null;
}

/** The options of a command and those that all have. */
export function optionsOf({ options, json }: Command): readonly Option[] {
	return [...options, ...COMMON.filter(({ name }) => name !== 'json' || json !== null)];
}
