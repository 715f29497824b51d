import { describe, expect, it } from 'vitest';
import { failureOfError } from '../../src/http/connection-failure.ts';
import { type Asked, failureOfAnswer } from '../../src/http/failure.ts';

const asked = (method: string): Asked => ({
	method,
	url: new URL('https://cache.example.org/nix/nar/0.nar'),
	sizeBytes: 5,
	credentials: null,
	redirectedFrom: null,
});
const statuses = Array.from({ length: 200 }, (_, index) => 400 + index);

describe('every failure says what to do about it', () => {
	it.each(['GET', 'PUT'])('whatever status a server answers to %s', (method) => {
		for (const status of statuses) {
			const answer = { status, reason: '', header: () => null, bytes: new Uint8Array() };
			expect(failureOfAnswer(answer, asked(method), 0).hint, String(status)).toMatch(
				/^[A-Z\d].*[.?]$|^cache\.example\.org .*\.$/,
			);
		}
	});

	it.each([
		'ECONNREFUSED',
		'ECONNRESET',
		'ENOTFOUND',
		'EAI_AGAIN',
		'EHOSTUNREACH',
		'ENETUNREACH',
		'ETIMEDOUT',
		'UND_ERR_CONNECT_TIMEOUT',
		'UND_ERR_HEADERS_TIMEOUT',
		'UND_ERR_BODY_TIMEOUT',
		'UND_ERR_SOCKET',
		'UND_ERR_HEADERS_OVERFLOW',
		'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
		'HPE_INVALID_CONSTANT',
		'EPROTO',
		'CERT_HAS_EXPIRED',
		'SELF_SIGNED_CERT_IN_CHAIN',
		'ERR_TLS_CERT_ALTNAME_INVALID',
		'UNABLE_TO_GET_CRL',
		'SOMETHING_ELSE',
	])('whatever goes wrong below: %s', (code) => {
		const failure = failureOfError(Object.assign(new Error('x'), { code }), asked('GET'));
		expect(failure.hint).toMatch(/^[A-Z].*[.?]$/);
		expect(failureOfError(new Error('x'), asked('GET')).hint).toContain('report');
	});
});

describe('what a server said is quoted without the credentials that it echoes', () => {
	const token = 'eyJ0eXAiOiJKV1QifQ.'.repeat(30);
	const password = 'correct-horse-battery-staple';

	it.each([
		['a token that is longer than what is quoted', { kind: 'bearer', token }, `The token ${token} is not known here.`],
		[
			'a password at the end of what is quoted',
			{ kind: 'basic', username: 'u', password },
			`${'.'.repeat(190)}${password} is wrong`,
		],
	] as const)('%s', (_, credentials, text) => {
		const answer = { status: 401, reason: '', header: () => 'text/plain', bytes: Buffer.from(text) };
		const { message } = failureOfAnswer(answer, { ...asked('PUT'), credentials }, 0);
		expect(message).toContain('***');
		expect(message).not.toMatch(/eyJ|correct/);
	});
});
