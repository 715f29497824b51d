/**
 * Packs NARs of 3 and 6 MiB that can't be compressed where the disk has room for 8, in a process of its own, and prints the code of the error that ended it, if any.
 *
 *     node on-small-disk-program.ts <spool folder> spare|idle
 */
import { createHash, randomBytes } from 'node:crypto';
import { createPacker } from '../../src/push/packing.ts';
import { shareNars, unsharedNars } from '../../src/push/shared-nars.ts';
import { pathInfo } from './graph.ts';
import { narsOf } from './narrator.ts';

const MiB = 1024 * 1024;
const [folder = '', kept = ''] = process.argv.slice(2);
const signal = new AbortController().signal;

const contents = new Map<string, Buffer>();
const infos = [3, 3, 6].map((size, index) => {
	const bytes = randomBytes(size * MiB);
	const narHash = { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest() } as const;
	const info = pathInfo(`n${index}`, { narHash, narSizeBytes: bytes.length });
	contents.set(info.path, bytes);
	return info;
});
const packer = createPacker({
	compression: 'zstd',
	level: null,
	spool: { kind: 'own', folder },
	threads: 1,
	reader: narsOf(contents),
});
const nars = kept === 'idle' ? shareNars(packer) : unsharedNars(packer);
const cache = nars.join(contents.keys());
// Asks for nothing yet, so what is packed is kept for it.
nars.join(contents.keys());

const pack = async (info: (typeof infos)[number]) => cache.sourceOf(info, () => undefined).packed(signal);
let code = 'none';
try {
	const [first, second, large] = infos;
	if (first === undefined || second === undefined || large === undefined) throw new Error('there are three');
	const both = await Promise.all([pack(first), pack(second)]);
	for (const nar of both) await nar.dispose();
	await (await pack(large)).dispose();
} catch (error) {
	code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
await packer.close();
process.stdout.write(code);
