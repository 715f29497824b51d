import { describe, expect, it } from 'vitest';
import { explainOtherStore } from '../../src/store/other-store-trouble.ts';

const NOT_STARTED = "error: failed to start SSH connection to 'host'";
const END_OF_FILE = "error: cannot open connection to remote store 'ssh-ng://ci@host': error: unexpected end-of-file";

// As OpenSSH 9.2 to 10 and Nix 2.8, 2.26 and 2.34 wrote them.
const SEEN: readonly (readonly [stderr: string, code: string, says: string])[] = [
	[`Host key verification failed.\n${NOT_STARTED}`, 'cache-tls', 'its SSH host key is not known here'],
	[
		`@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key for host has changed and you have requested strict checking.\nHost key verification failed.\n${END_OF_FILE}`,
		'cache-tls',
		'another one than the one that is known here',
	],
	[`ci@host: Permission denied (publickey).\n${END_OF_FILE}`, 'cache-unauthorized', 'does not let this user in'],
	[
		`Warning: Identity file /nowhere not accessible: No such file or directory.\nci@host: Permission denied (publickey).\n${NOT_STARTED}`,
		'cache-unauthorized',
		"the key file /nowhere can't be read",
	],
	[`ssh: connect to host host port 22: Connection refused\n${NOT_STARTED}`, 'cache-unreachable', 'Connection refused'],
	[`ssh: Could not resolve hostname host: Name or service not known\n${NOT_STARTED}`, 'cache-unreachable', 'DNS'],
	[`ssh: Could not resolve hostname 127.0.0.1:22: Name or service not known\n${END_OF_FILE}`, 'cache-invalid', 'no port'],
	[`bash: line 1: nix-daemon: command not found\n${END_OF_FILE}`, 'cache-invalid', 'no `nix-daemon` in the PATH'],
	[`sh: 1: nix-store: not found\nerror: cannot connect to 'ci@host'`, 'cache-invalid', 'no `nix-store` in the PATH'],
	[
		`\x1b[31;1merror:\x1b[0m unable to execute '\x1b[35;1mssh\x1b[0m': \x1b[35;1mNo such file or directory\x1b[0m\n${END_OF_FILE}`,
		'cache-invalid',
		'no `ssh` on this machine',
	],
	[
		"error: cannot add path '/nix/store/s71kwwl89yarh1hj8rdjds68342z2mdj-base' because it lacks a valid signature",
		'cache-forbidden',
		'-base has no signature by a key that it trusts',
	],
	[
		"error: hash mismatch importing path '/nix/store/s71kwwl89yarh1hj8rdjds68342z2mdj-base';\n  specified: sha256:0\n  got:       sha256:1",
		'path-corrupt',
		"-base is not what this machine's store says it is",
	],
	['error: writing to file: Broken pipe', 'cache-unreachable', 'the connection broke off'],
	['error: write of 12304 bytes: Broken pipe\n', 'cache-unreachable', 'the connection broke off'],
	[END_OF_FILE, 'cache-unreachable', 'the connection broke off'],
	['error: Broken pipe\nerror: out of memory there', 'cache-failing', 'out of memory there'],
	['error: writing to file: No space left on device', 'cache-failing', 'No space left on device'],
];

describe('what a store behind SSH fails of', () => {
	it.each(SEEN)('is one line with what to do: %s', (stderr, code, says) => {
		const error = explainOtherStore(stderr, 'ssh-ng://ci@host', null);
		expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
		expect(error.message).toMatch(/^ssh-ng:\/\/ci@host: [^\n]*\.$/);
		if (code !== 'cache-failing') expect(error.hint).toMatch(/[.?]$/);
	});
});
