import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** As package.json beside dist/ says; `unknown` where only dist/ was taken. */
export async function ownVersion(): Promise<string> {
	try {
		const { version }: { version: unknown } = JSON.parse(await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
		return String(version);
	} catch {
		return 'unknown';
	}
}
