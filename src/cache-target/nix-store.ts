import { type Refusal, withoutUserInfo } from './refusal.ts';

/** A store that Nix itself opens: on another machine over SSH, of another daemon, or in another folder of this machine. */
export interface NixStoreTarget {
	readonly kind: 'nix-copy';
	/** For people: without parameters. */
	readonly place: string;
	/** The store URL as Nix gets it, with the parameters that the user wrote. */
	readonly substituter: string;
	/** `null`: it is on this machine. */
	readonly ssh: {
		readonly host: string /** Whether the URL itself names the key file (`ssh-key`). */;
		readonly hasKey: boolean;
	} | null;
}

const SCHEMES = /^(?:ssh|ssh-ng|local|unix):\/\/|^(?:local|daemon)(?:$|\?)/;

/** Whether a line of `cache` is a store URL of the kinds above. */
export function isNixStoreUrl(line: string): boolean {
	return SCHEMES.test(line);
}

/**
 * The store URLs of `nix copy` that no other kind takes: `ssh-ng://[user@]host[:port]`, `ssh://…`, `local?root=/folder`, `local:///folder`, `daemon`, `unix:///socket`.
 * Source: nix/src/libstore/store-reference.cc and ssh.cc.
 */
export function parseNixStoreUrl(line: string): NixStoreTarget | Refusal {
	const refuse = (why: string): Refusal => ({ problem: `cache: \`${withoutUserInfo(line)}\` ${why}` });
	const [place = '', parameters] = line.split(/\?(.*)/s);
	if (/[^!-~]/.test(line) || line.includes('#'))
		return refuse('has blanks, `#` or other characters that a store URL has encoded (`%20`).');
	if (parameters !== undefined && !parameters.split('&').every((pair) => /^[\w-]+=/.test(pair))) {
		return refuse('has parameters that are not `name=value`, joined by `&`.');
	}
	const [, scheme = '', authority] = /^(ssh|ssh-ng):\/\/(.*)$/.exec(place) ?? [];
	if (authority === undefined) return parseLocal(line, place, parameters, refuse);
	const [, user, host = ''] = /^(?:([^@]*)@)?([^@/]*)\/?$/.exec(authority) ?? [];
	if (user?.includes(':') === true) {
		return refuse('has a password inside; SSH takes a key: give it to an ssh-agent, or name its file with `?ssh-key=/file`.');
	}
	// What begins with a hyphen would be an option of ssh.
	if (user === '' || user?.startsWith('-') === true || !/^(?:[\w][\w.-]*|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(host)) {
		return refuse(`is not the URL of a store behind SSH; write \`${scheme}://user@host\`.`);
	}
	const hasKey = new URLSearchParams(parameters).has('ssh-key');
	return { kind: 'nix-copy', place, substituter: line, ssh: { host, hasKey } };
}

function parseLocal(
	line: string,
	place: string,
	parameters: string | undefined,
	refuse: (why: string) => Refusal,
): NixStoreTarget | Refusal {
	const root = new URLSearchParams(parameters).get('root');
	const isElsewhere =
		place === 'daemon' || /^(?:unix|local):\/\/\/./.test(place) || (place === 'local' && root?.startsWith('/') === true);
	if (!isElsewhere)
		return refuse('is no store beside that of this job; write `local?root=/folder`, `unix:///socket` or `daemon`.');
	return { kind: 'nix-copy', place: place === 'local' ? `local?root=${root}` : place, substituter: line, ssh: null };
}
