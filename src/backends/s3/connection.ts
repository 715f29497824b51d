import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Target } from '../../cache-target/s3.ts';
import type { HttpAnswer } from '../../http/client.ts';
import { orAborted, systemClock, throwIfAborted } from '../../waiting/cancel.ts';
import { findKeys, givenKeys, type KeyMeans, type KeySource } from './credentials.ts';
import { answerIn, isRefusal, repeatAfterMs, s3Error } from './failure.ts';
import { createObjectRequests, type ObjectRequest } from './object-requests.ts';
import { sdkLogger } from './sdk-logger.ts';
import { createTransport, type Sending } from './transport.ts';

/** The SDK's client for one bucket, made when it is first needed: only then are credentials looked for. */
export interface S3Connection {
	/**
	 * Sends a request for an object.
	 * @param doing for messages, such as `PUT s3://bucket/key`
	 * @throws CacheError whose cause tells the answer (`answerIn`)
	 */
	request(doing: string, request: ObjectRequest, signal: AbortSignal): Promise<HttpAnswer>;
	/** Runs a command of the SDK's and answers as it does. Throws as `request`. */
	command<T>(doing: string, signal: AbortSignal, run: (s3: S3Client, sending: Sending) => Promise<T>): Promise<T>;
	/** Whether requests are signed. Throws `cache-unauthorized` when something names credentials that can't be had. */
	hasKeys(signal: AbortSignal): Promise<boolean>;
	close(): void;
}

interface Opened {
	readonly s3: S3Client;
	readonly request: ReturnType<typeof createObjectRequests>;
	readonly isAnonymous: boolean;
	/** What the environment held then (`givenKeys`). */
	readonly given: string;
}

export function openConnection(target: S3Target, means: KeyMeans): S3Connection {
	let opening: Promise<Opened> | null = null;
	const open = async (): Promise<Opened> => {
		const given = givenKeys();
		const keys = await findKeys(target, means);
		const s3 = new S3Client(configuration(target, keys, means));
		return { s3, request: createObjectRequests(s3, target, means.client), isAnonymous: keys === null, given };
	};
	const opened = (signal: AbortSignal, doing: string): Promise<Opened> => {
		opening ??= open().catch((error: unknown) => {
			// Whoever comes next looks anew: the token service may be back by then.
			opening = null;
			throw error;
		});
		return orAborted(opening, signal, doing);
	};
	/** What to ask once more with: a step of the job may have got other keys since these, which are static, ran out. */
	const openedAnew = async (open: Opened, signal: AbortSignal, doing: string): Promise<Opened> => {
		const now = await opened(signal, doing);
		if (now !== open || open.given === givenKeys()) return now;
		opening = null;
		return opened(signal, doing);
	};
	const attempt = async <T>(doing: string, signal: AbortSignal, once: (open: Opened) => Promise<T>): Promise<T> => {
		throwIfAborted(signal, doing);
		let open = await opened(signal, doing);
		try {
			return await orAborted(once(open), signal, doing).catch(async (error: unknown) => {
				const answer = answerIn(error);
				if (answer === null) throw error;
				const before = open;
				if (isRefusal(answer)) open = await openedAnew(open, signal, doing);
				const waitMs = open === before ? repeatAfterMs(answer) : 0;
				if (waitMs === null) throw error;
				await systemClock.sleep(waitMs, signal);
				throwIfAborted(signal, doing);
				return orAborted(once(open), signal, doing);
			});
		} catch (error) {
			throw s3Error(error, doing, target, open.isAnonymous);
		}
	};
	return {
		request: (doing, request, signal) => attempt(doing, signal, (open) => open.request(request, signal)),
		command: (doing, signal, run) => attempt(doing, signal, ({ s3 }) => run(s3, { abortSignal: signal })),
		hasKeys: async (signal) => !(await opened(signal, `Looking for the keys of ${target.place}`)).isAnonymous,
		close() {
			opening?.then(
				({ s3 }) => s3.destroy(),
				() => undefined,
			);
		},
	};
}

function configuration({ region, endpoint, addressing }: S3Target, keys: KeySource | null, means: KeyMeans): S3ClientConfig {
	return {
		region,
		endpoint: endpoint.href,
		forcePathStyle: addressing === 'path',
		requestHandler: createTransport(means.client),
		logger: sdkLogger(means.log),
		...(keys === null ? ANONYMOUS : { credentials: keys }),
		// The HTTP client tries again by itself.
		maxAttempts: 1,
		// Garage, Ceph, R2, B2 and older MinIO know none or only some of Amazon's newer checksums. A NAR has its hash in the narinfo.
		requestChecksumCalculation: 'WHEN_REQUIRED',
		responseChecksumValidation: 'WHEN_REQUIRED',
		expectContinueHeader: false,
		disableS3ExpressSessionAuth: true,
	};
}

/** Requests as anybody could make them. */
const ANONYMOUS: S3ClientConfig = {
	credentials: async () => ({ accessKeyId: '', secretAccessKey: '' }),
	signer: { sign: async (request) => request },
};
