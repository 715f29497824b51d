import type { Backend } from '../backends/backend.ts';
import { describeError } from '../errors.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { Finding } from './outcome.ts';

export type VerifyMode = 'sample' | 'all' | 'none';

const SAMPLE = 64;
/** Of the sample, so many are the largest: those are the ones that body limits and cut connections hit. */
const SAMPLE_LARGEST = 16;
/** All of a sample at once: the HTTP client has its own limit, and `nix copy`'s stores are asked in one process for what comes together. */
const IN_FLIGHT = SAMPLE;

/** Reads pushed paths back as a substituter would. A failure to ask is a finding too; `signal` ends it with what was found by then. */
export async function verifyPushed(
	backend: Pick<Backend, 'readBack'>,
	pushed: readonly PathInfo[],
	mode: VerifyMode,
	signal: AbortSignal,
): Promise<readonly Finding[]> {
	const queue = sample(pushed, mode).values();
	const findings: Finding[] = [];
	const lane = async (): Promise<void> => {
		for (const info of queue) {
			if (signal.aborted) return;
			const problem = await readBack(backend, info, signal);
			// What was asked when the signal came says nothing about the cache.
			if (problem === null || !signal.aborted) findings.push({ path: info.path, problem });
		}
	};
	await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
	return findings;
}

/** Which paths are read back: the largest, and the rest evenly over the order in which they were pushed. */
export function sample(pushed: readonly PathInfo[], mode: VerifyMode): readonly PathInfo[] {
	if (mode === 'none') return [];
	if (mode === 'all' || pushed.length <= SAMPLE) return pushed;
	const largest = pushed.toSorted((a, b) => b.narSizeBytes - a.narSizeBytes).slice(0, SAMPLE_LARGEST);
	const taken = new Set(largest);
	const rest = pushed.filter((info) => !taken.has(info));
	const others = SAMPLE - largest.length;
	return [...largest, ...Array.from({ length: others }, (_, index) => rest[Math.floor((index * rest.length) / others)])].filter(
		(info) => info !== undefined,
	);
}

async function readBack(backend: Pick<Backend, 'readBack'>, info: PathInfo, signal: AbortSignal): Promise<string | null> {
	try {
		const verdict = await backend.readBack(info, signal);
		return verdict.ok ? null : verdict.problem;
	} catch (error) {
		return describeError(error);
	}
}
