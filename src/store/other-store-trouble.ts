import { CacheError, type ErrorCode } from '../errors.ts';
import { lastError } from './nix-command.ts';

interface Trouble {
	readonly sign: RegExp;
	readonly code: ErrorCode;
	readonly what: (match: RegExpExecArray) => string;
	readonly hint: string;
}

const KEY_HINT =
	'Load the key into an ssh-agent in a step before this one, or name its file with `?ssh-key=/file`, and see that its public half is in authorized_keys there.';

/** What OpenSSH and Nix write, the most telling first: ssh says why, and Nix after it only that it could not connect. Seen with Nix 2.8, 2.26 and 2.34. */
const TROUBLES: readonly Trouble[] = [
	{
		sign: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for \S+ has changed/,
		code: 'cache-tls',
		what: () => 'its SSH host key is another one than the one that is known here.',
		hint: 'If the host was set up anew, replace its line in known_hosts (or `base64-ssh-public-host-key`); else somebody may sit in between.',
	},
	{
		sign: /Host key verification failed/,
		code: 'cache-tls',
		what: () => 'its SSH host key is not known here.',
		hint: 'Add its line to ~/.ssh/known_hosts in a step before this one, as the host itself tells it (its /etc/ssh/ssh_host_*_key.pub).',
	},
	{
		sign: /UNPROTECTED PRIVATE KEY FILE|bad permissions/,
		code: 'cache-unauthorized',
		what: () => 'ssh does not use a key file that others can read.',
		hint: 'Make it with `umask 077`, or `chmod 600` it.',
	},
	{
		sign: /Identity file (\S+) not accessible[\s\S]*Permission denied \(/,
		code: 'cache-unauthorized',
		what: ([, file]) => `the key file ${file} can't be read, and the host lets nobody in without a key.`,
		hint: KEY_HINT,
	},
	{
		sign: /Permission denied \(([\w,-]+)\)|Too many authentication failures/,
		code: 'cache-unauthorized',
		what: () => 'the host does not let this user in with the SSH keys of this job (`Permission denied`).',
		hint: KEY_HINT,
	},
	{
		sign: /Could not resolve hostname \S+:\d+:/,
		code: 'cache-invalid',
		what: () => 'this version of Nix takes no port in a store URL.',
		hint: 'Name the port in ~/.ssh/config (`Host name`, `HostName …`, `Port …`) and write that name into the URL.',
	},
	{
		sign: /Could not resolve hostname/,
		code: 'cache-unreachable',
		what: () => 'its host name is not known (DNS).',
		hint: 'Is it spelled right, and known on this runner?',
	},
	{
		sign: /Connection (?:refused|timed out|reset|closed)|No route to host|Network is unreachable|Operation timed out|not responding/,
		code: 'cache-unreachable',
		what: ([text]) => `no SSH connection comes about (${text}).`,
		hint: 'Is sshd running there, and may this runner reach its port?',
	},
	{
		sign: /(nix-(?:daemon|store)): (?:command )?not found|(nix-(?:daemon|store)): No such file/,
		code: 'cache-invalid',
		what: ([, one, other]) => `there is no \`${one ?? other}\` in the PATH of an SSH command.`,
		hint: 'Install Nix there, put it into the PATH of non-interactive shells, or name it with `?remote-program=/path`.',
	},
	{
		sign: /(?:unable to execute|Could not find executable) '[^']*ssh/,
		code: 'cache-invalid',
		what: () => 'there is no `ssh` on this machine.',
		hint: 'Install the OpenSSH client.',
	},
	{
		sign: /cannot add path '([^']+)' because it lacks a/,
		code: 'cache-forbidden',
		what: ([, path]) => `it does not trust this user, and ${path} has no signature by a key that it trusts.`,
		hint: 'Give `signing-key`, and add its public key to `trusted-public-keys` there (or this user to `trusted-users`).',
	},
	{
		sign: /hash mismatch importing path '([^']+)'/,
		code: 'path-corrupt',
		what: ([, path]) => `${path} is not what this machine's store says it is.`,
		hint: 'Check it with `nix-store --verify-path`, and repair it or build it again.',
	},
	{
		// As the last word: before another one it only says what became of that.
		sign: /(?:Broken pipe|unexpected (?:EOF|end-of-file))\s*$/,
		code: 'cache-unreachable',
		what: () => 'the connection broke off.',
		hint: 'The next job pushes what is missing. If that waits and waits: the daemon of an old Nix there may still hold the lock of a path, until it is restarted.',
	},
];

/** What a Nix that failed to speak to another store wrote, as one line for people. */
export function explainOtherStore(stderr: string, label: string, cause: unknown): CacheError {
	const text = stderr.replace(/\x1b\[[0-9;]*[A-Za-z]/g, '');
	for (const { sign, code, what, hint } of TROUBLES) {
		const match = sign.exec(text);
		if (match !== null) return new CacheError(code, `${label}: ${what(match)}`, { hint, cause });
	}
	return new CacheError('cache-failing', `${label}: ${lastError(stderr)}.`.replace(/\.\.$/, '.'), { cause });
}
