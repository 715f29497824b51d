import { expect } from 'vitest';
import type { JobResult } from '../support/runner/steps.ts';

/** The texts of all annotations of a job, of whatever level. */
export const problems = (result: JobResult): readonly string[] => result.annotations.map(({ message }) => message);

/** There is one annotation and no other, and it has all of these texts. */
export function expectOneProblem(result: JobResult, ...texts: readonly string[]): void {
	expect(problems(result).length, result.log).toBe(1);
	for (const text of texts) expect(problems(result)[0]).toContain(text);
}
