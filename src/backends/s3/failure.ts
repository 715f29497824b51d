import type { S3Target } from '../../cache-target/s3.ts';
import { CacheError, type ErrorCode, isCacheError } from '../../errors.ts';
import type { HttpAnswer } from '../../http/client.ts';

/** What a server answered in place of what was asked for: S3's error code, and what else tells the cause. */
export interface S3Answer {
	/** '' when the answer had none. */
	readonly code: string;
	readonly status: number;
	readonly message: string;
	/** Where the bucket is, when the server says so. */
	readonly region: string | null;
}

/** An answer that is not what was asked for. */
export class AnswerError extends Error {
	override readonly name = 'AnswerError';
	readonly answer: S3Answer;

	constructor(answer: S3Answer) {
		super(`${answer.status} ${answer.code}`);
		this.answer = answer;
	}
}

/** The document `<Error><Code>…</Code><Message>…</Message>…</Error>`, as far as it is there. */
export function answerOfXml({ status, bytes, header }: Pick<HttpAnswer, 'status' | 'bytes' | 'header'>): S3Answer {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
	const field = (name: string): string | null => new RegExp(`<${name}>([^<]{1,1000})</${name}>`).exec(text)?.[1] ?? null;
	const message = (field('Message') ?? '').replace(/&(quot|apos|lt|gt|amp);/g, (_, name: string) => ENTITIES[name] ?? '');
	return { code: field('Code') ?? '', status, message, region: field('Region') ?? header('x-amz-bucket-region') };
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };

/** What a request ended with, when that is an answer of the server (ours, or the SDK's); else `null`. */
export function answerIn(error: unknown): S3Answer | null {
	if (error instanceof AnswerError) return error.answer;
	if (!(error instanceof Error) || isCacheError(error)) return null;
	const status = numberIn(fieldIn(error, '$metadata'), 'httpStatusCode');
	if (status === null) return null;
	const headers = fieldIn(fieldIn(error, '$response'), 'headers');
	const code = textIn(error, 'Code') ?? (/^(Error|Unknown\w*|\d+)$/.test(error.name) ? '' : error.name);
	const region = textIn(error, 'Region') ?? textIn(headers, 'x-amz-bucket-region');
	return { code, status, message: error.message, region };
}

/** Codes of what is not there. Without the right to list a bucket, S3 says `AccessDenied` of it: see `store.ts`. */
export function isAbsent({ code, status }: S3Answer): boolean {
	return code === 'NoSuchKey' || code === 'NotFound' || (status === 404 && code === '');
}

const REPEATED_AT_ONCE: ReadonlySet<string> = new Set([
	'RequestTimeTooSkewed',
	'RequestExpired',
	'RequestTimeout',
	'OperationAborted',
	'ConditionalRequestConflict',
]);

/** How long a server gets that failed half-way. */
const PAUSE_MS = 1_000;

/**
 * In how many milliseconds the very same may succeed; `null`: it won't. After the first ones the server's time is known. A failure of the server comes here only
 * behind status 200: S3 begins its answer to the end of an upload in parts before it knows how that ends (API reference, CompleteMultipartUpload). By its status the
 * HTTP client knows it, and has tried again.
 */
export function repeatAfterMs({ code, status }: S3Answer): number | null {
	if (REPEATED_AT_ONCE.has(code)) return 0;
	return status >= 500 && status !== 501 ? PAUSE_MS : null;
}

/** Answers that other keys may change. An expired session is a 400 to Amazon. */
export function isRefusal({ status }: S3Answer): boolean {
	return status === 400 || status === 401 || status === 403;
}

interface Meaning {
	readonly as: ErrorCode;
	readonly hint: string;
}

/**
 * The error for people. Codes: Amazon S3 API reference, "Error responses"; Garage, MinIO, Ceph, R2 and B2 use the same ones.
 * @param doing what was asked, such as `PUT s3://bucket/key`
 */
export function s3Error(error: unknown, doing: string, target: S3Target, isAnonymous: boolean): CacheError {
	if (isCacheError(error)) return throttledOr(error);
	const answer = answerIn(error);
	if (answer === null) {
		const said = error instanceof Error ? error.message : String(error);
		return new CacheError('cache-invalid', `${doing}: the answer is not one of S3 (${said.slice(0, 200)}).`, {
			hint: 'Is `endpoint` that of the S3 service (not of its web console)?',
			cause: error,
		});
	}
	const { as, hint } = meaningOf(answer, target, isAnonymous);
	const name = answer.code === '' ? `${answer.status}` : `${answer.code} (${answer.status})`;
	return new CacheError(as, `${doing} was answered with ${name}${saidBy(answer)}.`, { hint, cause: error });
}

/** The HTTP client tells overload by its status alone; S3's `SlowDown` is a 503. */
function throttledOr(error: CacheError): CacheError {
	if (error.code !== 'cache-failing' || !/reduce your request rate|SlowDown/i.test(error.message)) return error;
	return new CacheError('cache-throttled', error.message, {
		hint: 'It limits the rate of requests: lower `concurrency`.',
		cause: error,
	});
}

function saidBy({ message, code }: S3Answer): string {
	const line = message
		.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
		.trim()
		.replace(/\.$/, '');
	return line === '' || line === code || line.startsWith('UnknownError') ? '' : ` ("${line.slice(0, 200)}")`;
}

function meaningOf(answer: S3Answer, target: S3Target, isAnonymous: boolean): Meaning {
	const { code, status } = answer;
	const known = REGION_CODES.has(code) || status === 301 || status === 307 ? wrongRegion(answer, target) : byCode(code, target);
	if (known !== null) return known;
	if (status === 401 || status === 403) return isAnonymous ? NO_KEYS : DENIED;
	if (status === 404) return { as: 'cache-not-found', hint: 'Is `endpoint` that of the S3 service?' };
	if (status === 405) return { as: 'cache-read-only', hint: 'The bucket takes no uploads; set `push: never`.' };
	return { as: status >= 500 ? 'cache-failing' : 'cache-invalid', hint: 'The log of the server may say more.' };
}

const NO_KEYS: Meaning = {
	as: 'cache-unauthorized',
	hint: 'The job has no AWS credentials, and not everybody may do that: give `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in `env`, or the inputs `username` and `password`.',
};

const DENIED: Meaning = {
	as: 'cache-forbidden',
	hint: 'Its policy must allow `s3:GetObject`, `s3:PutObject` and `s3:AbortMultipartUpload` on the objects, and `s3:ListBucket` on the bucket (without it, what is not there is denied).',
};

const REGION_CODES: ReadonlySet<string> = new Set([
	'PermanentRedirect',
	'TemporaryRedirect',
	'AuthorizationHeaderMalformed',
	'IllegalLocationConstraintException',
	'IncorrectEndpoint',
]);

function wrongRegion({ region, code }: S3Answer, target: S3Target): Meaning {
	const as = 'cache-invalid';
	if (region !== null && region !== target.region)
		return {
			as,
			hint: `The bucket is in the region \`${region}\`: write \`region=${region}\` in the URL in place of \`${target.region}\`.`,
		};
	if (code === 'AuthorizationHeaderMalformed')
		return { as, hint: `Is \`region=${target.region}\` the one that the server is configured with? Garage: \`s3_region\`.` };
	return { as, hint: 'The bucket is to be asked elsewhere: check `region` and `endpoint` in the URL.' };
}

function byCode(code: string, { bucket, profile }: S3Target): Meaning | null {
	const theirs = profile === null ? '' : ` of the profile \`${profile}\``;
	switch (code) {
		case 'NoSuchBucket':
		case 'InvalidBucketName':
			return { as: 'cache-not-found', hint: `There is no bucket \`${bucket}\`: make it, or correct its name or \`endpoint\`.` };
		case 'InvalidAccessKeyId':
			return {
				as: 'cache-unauthorized',
				hint: `The server does not know the access key id${theirs}: is it of another account or server, or deleted?`,
			};
		case 'SignatureDoesNotMatch':
			return { as: 'cache-unauthorized', hint: `The secret access key${theirs} is wrong for this access key id.` };
		case 'ExpiredToken':
		case 'TokenRefreshRequired':
			return {
				as: 'cache-unauthorized',
				hint: 'The session of the credentials has expired: make it longer (`role-duration-seconds` of `aws-actions/configure-aws-credentials`), or run that action once more at the end of the job.',
			};
		case 'InvalidToken':
			return {
				as: 'cache-unauthorized',
				hint: 'The session token is not that of the key: is an old `AWS_SESSION_TOKEN` in `env`?',
			};
		case 'RequestTimeTooSkewed':
		case 'RequestExpired':
			return { as: 'cache-unauthorized', hint: 'The clock of this machine is wrong: correct it.' };
		case 'SlowDown':
		case 'TooManyRequests':
			return { as: 'cache-throttled', hint: 'It limits the rate of requests: lower `concurrency`.' };
		case 'NoSuchUpload':
			// Also when the end of an upload was asked for twice, since the first answer got lost. Whoever looks finds the object then.
			return { as: 'cache-invalid', hint: 'The upload went away while it was under way: is a lifecycle rule too fast?' };
		case 'EntityTooLarge':
			return {
				as: 'cache-too-large',
				hint: 'The server takes no object of that size: leave such paths out with `max-path-size`.',
			};
		case 'QuotaExceeded':
		case 'XMinioAdminBucketQuotaExceeded':
		case 'XMinioStorageFull':
			return { as: 'cache-failing', hint: 'Its disk is full, or a quota is used up.' };
		case 'NotImplemented':
			return { as: 'cache-invalid', hint: 'The server has not all of S3 that this needs.' };
		default:
			return null;
	}
}

function fieldIn(value: unknown, name: string): unknown {
	return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textIn(value: unknown, name: string): string | null {
	const text = fieldIn(value, name);
	return typeof text === 'string' && text !== '' ? text : null;
}

function numberIn(value: unknown, name: string): number | null {
	const number = fieldIn(value, name);
	return typeof number === 'number' ? number : null;
}
