import type { PackFindings } from '../backends/actions-cache/packs.ts';
import type { ReportServed } from '../report/report.ts';
import type { FinishOrder } from './pusher-folder.ts';
import type { JobReads } from './substituter.ts';

type LateReads = Pick<FinishOrder, 'used' | 'packFindings' | 'served' | 'errors'>;

/** What the job read, for a push that begins before its end: it is known once post says so. */
export function laterReads(): { readonly job: JobReads; arrive(reads: LateReads): void } {
	const used = new Set<string>();
	const served: ReportServed[] = [];
	const errors: Record<string, number> = {};
	const packFindings = Promise.withResolvers<PackFindings>();
	return {
		job: { used, served, errors, packFindings: packFindings.promise },
		arrive(reads) {
			for (const hashPart of reads.used) used.add(hashPart);
			served.push(...reads.served);
			Object.assign(errors, reads.errors);
			packFindings.resolve(reads.packFindings);
		},
	};
}
