import { expect, it } from 'vitest';
import { askedTogether } from '../../../src/backends/nix-copy/asked-together.ts';
import { never } from '../../http/peers/means.ts';
import { pathOf } from '../peers/paths.ts';

it('asks once for all that is wanted at the same time, and again for what is wanted later', async () => {
	const asked: (readonly string[])[] = [];
	const infos = new Map(['a', 'b', 'c'].map((name) => [pathOf(name).info.path, pathOf(name).info]));
	const infoOf = askedTogether(async (paths) => {
		asked.push(paths);
		return new Map(paths.map((path) => [path, infos.get(path) ?? null]));
	});
	const [a, b, c] = [...infos.keys()];
	if (a === undefined || b === undefined || c === undefined) throw new Error('three paths');
	expect(await Promise.all([infoOf(a, never), infoOf(b, never), infoOf(a, never), infoOf('/nix/store/gone', never)])).toEqual([
		infos.get(a),
		infos.get(b),
		infos.get(a),
		null,
	]);
	expect(await infoOf(c, never)).toEqual(infos.get(c));
	expect(asked).toEqual([[a, b, '/nix/store/gone'], [c]]);
});

it('tells everyone who asked of a failure, and asks anew after it', async () => {
	let calls = 0;
	const infoOf = askedTogether(async () => {
		if (++calls === 1) throw new Error('no answer');
		return new Map();
	});
	const both = await Promise.allSettled([infoOf('a', never), infoOf('b', never)]);
	expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
	expect(await infoOf('a', never)).toBeNull();
});
