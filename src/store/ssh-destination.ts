/** Where ssh connects to for a store URL, and how, as far as the URL says it. */
export interface SshDestination {
	/** `host` or `user@host`. */
	readonly destination: string;
	/** What is known under in a known_hosts file of its own, and the public key there; `null` when ssh looks into those of the user. */
	readonly hostKey: { readonly host: string; readonly key: string } | null;
	/** Options that Nix adds, but for that of the host key. */
	readonly options: readonly string[];
}

const ENABLED: ReadonlySet<string> = new Set(['true', '1', 'yes']);

/**
 * Reads `ssh://` and `ssh-ng://` URLs as Nix makes arguments for ssh of them (nix/src/libstore/ssh.cc, addCommonSSHOpts). `null` for what is no such URL, and where Nix starts
 * no ssh (`localhost`) or shares connections itself (`max-connections`).
 */
export function sshDestination(url: string): SshDestination | null {
	const [place = '', query = ''] = url.split(/\?(.*)/s);
	const [, user = '', host = '', port] = /^(?:ssh|ssh-ng):\/\/([\w.-]+@)?(\w[\w.-]*)(?::(\d{1,5}))?\/?$/.exec(place) ?? [];
	const parameters = parametersOf(query);
	if (host === '' || user.startsWith('-') || parameters === null) return null;
	if (host === 'localhost' || parameters.has('max-connections')) return null;
	const key = parameters.get('ssh-key');
	const hostKey = parameters.get('base64-ssh-public-host-key');
	return {
		destination: `${user}${host}`,
		hostKey: hostKey === undefined ? null : { host, key: Buffer.from(hostKey, 'base64').toString() },
		options: [
			...(key === undefined ? [] : ['-i', key]),
			...(ENABLED.has(parameters.get('compress') ?? '') ? ['-C'] : []),
			...(port === undefined ? [] : [`-p${port}`]),
		],
	};
}

/** Not by URLSearchParams, for which `+` is a blank: base64 has it. `null`: it can't be decoded. */
function parametersOf(query: string): ReadonlyMap<string, string> | null {
	try {
		return new Map(
			query.split('&').map((pair) => {
				const [name = '', value = ''] = pair.split(/=(.*)/s);
				return [decodeURIComponent(name), decodeURIComponent(value)];
			}),
		);
	} catch {
		return null;
	}
}
