import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '..', 'docs', 'backends');
const pages = globSync('*.md', { cwd: folder }).filter((name) => name !== 'README.md');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe.each(pages)('the page on a kind of cache, %s,', (name) => {
	const text = read(name);

	it('has a workflow to paste', () => {
		expect(text).toMatch(/```yaml\n(.*\n)*?\s*- uses: org\/nix-cache-action@v1\n/);
	});

	it('says how credentials and keys are made, or that none are needed', () => {
		expect(text).toMatch(/token|password|credentials/i);
		expect(text).toMatch(/\bkeys?\b/i);
	});

	it("says what it can't do", () => {
		expect(text).toMatch(/(##|\*\*|^)\s*What it can't do/m);
	});

	it('says what it was seen against', () => {
		expect(text).toMatch(/^(\*\*)?Seen |^## Seen to work|\| seen with/m);
	});

	it('is in the overview', () => {
		expect(read('README.md')).toContain(`(${name})`);
	});
});
