import type { Backend } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';
import type { Finding } from './outcome.ts';

export type VerifyMode = 'sample' | 'all' | 'none';

/** Reads pushed paths back as a substituter would. A failure to ask is a finding too; `signal` ends it with what was found by then. */
export declare function verifyPushed(
	backend: Pick<Backend, 'readBack'>,
	pushed: readonly PathInfo[],
	mode: VerifyMode,
	signal: AbortSignal,
): Promise<readonly Finding[]>;
