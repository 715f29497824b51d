import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'golden');

/** The names of the files in a folder of the golden data. */
export function goldenNames(under: string): readonly string[] {
	const names = readdirSync(join(folder, under)).sort();
	if (names.length === 0) throw new Error(`No golden data in ${under}`);
	return names;
}

export function goldenBytes(path: string): Buffer {
	return readFileSync(join(folder, path));
}

export function goldenText(path: string): string {
	return goldenBytes(path).toString('utf8');
}

/** A JSON file made of rows of the given shape; the script that writes it is checked by hand. */
export function goldenJson<T>(path: string): T {
	return JSON.parse(goldenText(path));
}
