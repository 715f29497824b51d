import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasRoomForSocket, shareSshConnection } from '../../src/store/ssh-connection.ts';

const ssh = { destination: 'host', hostKey: null, options: [] };

describe('a shared SSH connection', () => {
	it('has its socket only where the path is short and plain enough for one', () => {
		expect(hasRoomForSocket('/home/runner/work/_temp/nix-cache-action-0123456789ab')).toBe(true);
		expect(hasRoomForSocket(`/${'a'.repeat(72)}`)).toBe(true);
		expect(hasRoomForSocket(`/${'a'.repeat(73)}`)).toBe(false);
		expect(hasRoomForSocket('/a folder')).toBe(false);
		expect(hasRoomForSocket('/100%/x')).toBe(false);
	});

	it('is not made when NIX_SSHOPTS has a say in sharing, or quotes', () => {
		const share = (sshOptions: string) => shareSshConnection({ ssh, sshOptions, env: {}, privateFolder: tmpdir() });
		for (const options of ['-S none', '-Ssocket', '-M', '-oControlPath=none', '-o controlmaster=auto', '-i "a key"', "-i 'k'"])
			expect(share(options), options).toBeNull();
		expect(share('-i key -oUser=ci -v -m hmac-sha2-256 -oServerAliveInterval=15')).not.toBeNull();
	});

	it('does without, and leaves nothing, when there is no ssh', async () => {
		const privateFolder = mkdtempSync(join(tmpdir(), 'share-'));
		try {
			const connection = shareSshConnection({ ssh, sshOptions: '', env: { PATH: '/nowhere' }, privateFolder });
			connection?.begin();
			expect(await connection?.options(new AbortController().signal)).toBeNull();
			await connection?.close();
			expect(readdirSync(privateFolder)).toEqual([]);
			await connection?.close();
			expect(existsSync(privateFolder)).toBe(true);
		} finally {
			rmSync(privateFolder, { recursive: true });
		}
	});
});
