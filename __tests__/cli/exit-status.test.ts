import { describe, expect, it } from 'vitest';
import { exitOfError, exitOfPush } from '../../src/cli/exit-status.ts';
import { CacheError } from '../../src/errors.ts';
import type { CacheReport, ReportClass } from '../../src/report/report.ts';

function report(classes: readonly ReportClass[], more: Partial<CacheReport> = {}): CacheReport {
	return {
		cache: { kind: 'http', label: 'x', canPush: true, whyNot: null },
		counts: {},
		sentBytes: 0,
		paths: classes.map((name) => ({ path: '/nix/store/x', class: name, reason: null, narSizeBytes: null, sentBytes: null })),
		built: [],
		stoppedBy: null,
		verification: null,
		durationsMs: {},
		...more,
	};
}

describe('the exit status', () => {
	it('of a push is 0 when what was asked for is there or was left out by a rule', () => {
		expect(
			exitOfPush(report(['pushed', 'present', 'differs', 'signed-upstream', 'excluded', 'too-large', 'withheld', 'planned'])),
		).toBe(0);
	});

	it.each(['failed', 'corrupt', 'out-of-time', 'vanished'] as const)('of a push is 1 when a path is %s', (name) => {
		expect(exitOfPush(report(['pushed', name]))).toBe(1);
	});

	it('of a push is 1 when what went up could not be read back, and 3 when the cache ended it', () => {
		const problems = [{ path: '/nix/store/x', problem: 'not there' }];
		expect(exitOfPush(report(['pushed'], { verification: { checked: 1, problems } }))).toBe(1);
		const stoppedBy = { code: 'cache-stalled', message: 'x', hint: null } as const;
		expect(exitOfPush(report(['pushed', 'failed'], { stoppedBy }))).toBe(3);
	});

	it('of an error says whose fault it is', () => {
		const status = (code: ConstructorParameters<typeof CacheError>[0]) => exitOfError(new CacheError(code, 'x'));
		expect([status('input-invalid'), status('cache-tls'), status('push-impossible'), status('nix-missing')]).toEqual([
			2, 3, 3, 1,
		]);
		expect(exitOfError(new TypeError('x'))).toBe(1);
	});
});
