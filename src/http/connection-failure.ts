import { type ErrorCode, systemCode } from '../errors.ts';
import { AnswerBrokeOff } from './exchange.ts';
import { type Asked, describeRequest, type Failure } from './failure.ts';
import { SocksRefusal } from './socks.ts';

/** What went wrong below HTTP, in the words of the message. */
type Diagnosis = Pick<Failure, 'code' | 'hint' | 'retry'> & { readonly what: string };

/** What undici or Node threw in place of an answer. */
export function failureOfError(error: unknown, asked: Asked): Failure {
	const code = systemCode(error) ?? '';
	const { what, ...rest } = diagnose(error, code, asked);
	const shown = code === '' || what.includes(code) ? '' : ` (${code})`;
	return { ...rest, message: `${describeRequest(asked.method, asked.url)}: ${what}${shown}`, cause: error, retryAfterMs: null };
}

function diagnose(error: unknown, code: string, asked: Asked): Diagnosis {
	return (
		proxyRefusal(error) ??
		socksRefusal(error) ??
		trustProblem(code, asked.url) ??
		nameProblem(error, code, asked.url) ??
		brokenConnection(error, code) ??
		(code === ''
			? {
					code: 'internal',
					what: `unexpected failure: ${error instanceof Error ? error.message : String(error)}`,
					hint: 'Please report it, with the log of a run with debug logging.',
					retry: 'no',
				}
			: unreachable('there is no connection', 'yes'))
	);
}

const NO_WAY_THERE = 'Is the server up, and is there a way to it from this runner (firewall, proxy in HTTPS_PROXY)?';
const BROKEN_OFF = 'The log of the server, or of a proxy before it, says why: look for its limits of time and size.';

function unreachable(what: string, retry: Failure['retry'], hint = NO_WAY_THERE): Diagnosis {
	return { code: 'cache-unreachable', what, hint, retry };
}

function socksRefusal(error: unknown): Diagnosis | null {
	if (!(error instanceof SocksRefusal)) return null;
	const hint = 'Is the URL of the proxy right (`socks5h://user:password@host:port`), and does it let this host through?';
	return unreachable(error.message, error.mayPass ? 'yes' : 'no', hint);
}

/** undici's tunnel tells the status of a refused CONNECT in the message alone. */
function proxyRefusal(error: unknown): Diagnosis | null {
	const status = /^Proxy response \((\d+)\)/.exec(error instanceof Error ? error.message : '')?.[1];
	if (status === undefined) return null;
	const what = `the proxy refused the tunnel with status ${status}`;
	if (status === '407') {
		return unreachable(what, 'no', 'Put its credentials into HTTPS_PROXY (`http://user:password@host:port`).');
	}
	const hint = 'Let the proxy allow this host, or exempt it in NO_PROXY.';
	return status.startsWith('5') ? unreachable(what, 'yes', hint) : unreachable(what, 'no', hint);
}

const UNTRUSTED: ReadonlySet<string> = new Set([
	'SELF_SIGNED_CERT_IN_CHAIN',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'CERT_UNTRUSTED',
]);

/** Codes: X509_V_ERR_* as Node spells them (node/src/crypto/crypto_common.cc), and those of OpenSSL and of Node's own checks. */
function trustProblem(code: string, url: URL): Diagnosis | null {
	const tls = (what: string, hint: string): Diagnosis => ({ code: 'cache-tls', what, hint, retry: 'no' });
	if (UNTRUSTED.has(code)) {
		return tls(
			'the certificate of the server is not trusted',
			'Name a file with the certificate of your authority in NODE_EXTRA_CA_CERTS (for this action) and NIX_SSL_CERT_FILE (for Nix), in `env` of the job.',
		);
	}
	if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH' || code === 'UND_ERR_PRX_TLS') {
		return tls(
			'the certificate is for another host',
			`Use a name of the server that is in its certificate in place of ${url.hostname}.`,
		);
	}
	if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
		return tls('the certificate is not valid at this time', 'Renew it on the server, or correct the clock of this machine.');
	}
	if (code === 'EPROTO' || /^ERR_(SSL|TLS)_/.test(code)) {
		return tls('no TLS connection came about', 'Does the server speak TLS on this port, or should the URL begin with http://?');
	}
	return /^(CERT|CRL|INVALID|UNABLE_TO)_/.test(code)
		? tls('the certificate of the server is not accepted', 'Check its chain of certificates.')
		: null;
}

function nameProblem(error: unknown, code: string, url: URL): Diagnosis | null {
	if (code !== 'ENOTFOUND' && code !== 'EAI_AGAIN') return null;
	// With a proxy it is the proxy's name that could not be found.
	const host =
		error instanceof Error && 'hostname' in error && typeof error.hostname === 'string' ? error.hostname : url.hostname;
	return code === 'ENOTFOUND'
		? unreachable(`the host ${host} is not known`, 'no', 'Is the name right, and can this runner resolve it?')
		: unreachable(`the name ${host} could not be looked up`, 'yes');
}

const STALLED_HINT = 'The server, or a proxy before it, is overloaded or hangs: lower `concurrency`, or look at its log.';
const STALLED: Readonly<Record<string, string>> = {
	UND_ERR_HEADERS_TIMEOUT: 'the server took no more bytes, or gave no answer',
	UND_ERR_BODY_TIMEOUT: 'the answer stopped coming',
};

function brokenConnection(error: unknown, code: string): Diagnosis | null {
	const stalled = STALLED[code];
	if (stalled !== undefined) return { code: 'cache-stalled', what: stalled, hint: STALLED_HINT, retry: 'yes' };
	if (error instanceof AnswerBrokeOff) return unreachable('the answer was cut off', 'yes', BROKEN_OFF);
	const plain = (as: ErrorCode, what: string, hint: string): Diagnosis => ({ code: as, what, hint, retry: 'no' });
	if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')
		return plain('file-failed', 'what was to be sent changed its size meanwhile', 'Does something else write into RUNNER_TEMP?');
	if (code === 'UND_ERR_HEADERS_OVERFLOW')
		return plain('cache-invalid', 'the headers of the answer are too long', 'Is the URL that of the cache itself?');
	if (code.startsWith('HPE_'))
		return plain('cache-invalid', 'what came back is not HTTP', 'Is it the right port, and should the URL begin with https://?');
	if (code === 'ECONNREFUSED') {
		return unreachable('the connection was refused', 'yes', 'Is the server up, and does it listen on this port?');
	}
	if (isReset(code)) return unreachable('the connection broke off', 'yes', BROKEN_OFF);
	if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT')
		return unreachable('no connection within the time for it', 'yes');
	return null;
}

/** Whether the other side ended the connection, which may have been its way of refusing an upload half-way. */
export function isReset(code: string | null): boolean {
	return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED' || code === 'UND_ERR_SOCKET';
}
