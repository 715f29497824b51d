import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../../src/nix/base64.ts';
import { parseHash } from '../../src/nix/hash.ts';
import type { PathInfo } from '../../src/nix/path-info.ts';
import { signAhead, signatureOf } from '../../src/nix/path-signature.ts';
import { fingerprint, generateKey, sign } from '../../src/nix/signature.ts';

const never = new AbortController().signal;

function infos(count: number, narSizeBytes = 120): readonly PathInfo[] {
	return Array.from({ length: count }, (_, index) => ({
		path: `/nix/store/${index.toString().padStart(32, '0')}-x`,
		narHash: parseHash(`sha256:${index.toString(16).padStart(64, '0')}`),
		narSizeBytes,
		references: [],
		deriver: null,
		signatures: [],
		ca: null,
		ultimate: true,
	}));
}

/** What no key makes, so that it is seen whose bytes were taken. */
const FOREIGN = new Uint8Array(64).fill(7);

describe('the signature of a path', () => {
	it('is that of its fingerprint, made ahead or when it is asked for', async () => {
		const key = generateKey('test-1');
		const paths = infos(600);
		await signAhead(paths.slice(0, 500), key, never);
		expect(paths.map((info) => signatureOf(info, key))).toEqual(paths.map((info) => sign(fingerprint(info), key)));
	});

	it('is made once for a key, and anew for another one', async () => {
		const [key, other] = [generateKey('test-1'), generateKey('test-2')];
		const [info] = infos(1);
		if (info === undefined) throw new Error('one path');
		await signAhead([info], key, never, { signAside: async () => FOREIGN });
		expect(signatureOf(info, key)).toBe(`test-1:${encodeBase64(FOREIGN)}`);
		expect(signatureOf(info, other)).toBe(sign(fingerprint(info), other));
		let asked = 0;
		const counted = async (): Promise<Uint8Array> => {
			asked++;
			return FOREIGN;
		};
		await signAhead([info], other, never, { signAside: counted });
		expect(asked).toBe(0);
	});

	it('is made once for two caches that take the path at the same time', async () => {
		const key = generateKey('test-1');
		const paths = infos(300);
		let asked = 0;
		const signAside = async (): Promise<Uint8Array> => {
			asked++;
			return FOREIGN;
		};
		await Promise.all([signAhead(paths, key, never, { signAside }), signAhead(paths, key, never, { signAside })]);
		expect(asked).toBe(300);
	});

	it('is left to whoever asks where it can not be made ahead', async () => {
		const key = generateKey('test-1');
		const paths = infos(3);
		await signAhead(paths, key, never, {});
		await signAhead(paths, key, never, { signAside: () => Promise.reject(new Error('no threads')) });
		expect(paths.map((info) => signatureOf(info, key))).toEqual(paths.map((info) => sign(fingerprint(info), key)));
	});

	it('is not made ahead of a path whose size is not known, which only who asks is told', async () => {
		const key = generateKey('test-1');
		const [broken] = infos(1, 0);
		const [sound] = infos(1);
		if (broken === undefined || sound === undefined) throw new Error('two paths');
		await signAhead([broken, sound], key, never, { signAside: async () => FOREIGN });
		expect(signatureOf(sound, key)).toBe(`test-1:${encodeBase64(FOREIGN)}`);
		expect(() => signatureOf(broken, key)).toThrow('the size of its NAR is not known');
	});

	it('is not made ahead any more when nobody will ask', async () => {
		const key = generateKey('test-1');
		const over = new AbortController();
		let asked = 0;
		const signAside = async (): Promise<Uint8Array> => {
			if (++asked === 10) over.abort();
			return FOREIGN;
		};
		await signAhead(infos(5000), key, over.signal, { signAside });
		expect(asked).toBeGreaterThanOrEqual(10);
		expect(asked).toBeLessThan(500);
	});
});
