import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { systemCode } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Env } from './proxy.ts';

/** What Nix and OpenSSL read. Node itself reads only `NODE_EXTRA_CA_CERTS`, and that one when it starts. */
const VARIABLES = ['NIX_SSL_CERT_FILE', 'SSL_CERT_FILE'] as const;

/**
 * The certificate authorities that servers are checked against: Node's own (with those of `NODE_EXTRA_CA_CERTS`) and, in addition, those
 * in the files that the environment names. `null` when it names none that can be read: Node's default then holds. One context for
 * all connections, since making it from a system's whole bundle takes 20 ms.
 */
export function trustFromEnv(env: Env, log: Log): SecureContext | null {
	const files = new Set(VARIABLES.map((name) => env[name] ?? '').filter((file) => file !== ''));
	const bundles = [...files].map((file) => readBundle(file, log)).filter((bundle) => bundle !== null);
	return bundles.length === 0 ? null : createSecureContext({ ca: [...getCACertificates('default'), ...bundles] });
}

function readBundle(file: string, log: Log): string | null {
	try {
		return readFileSync(file, 'latin1');
	} catch (error) {
		log.info(`The certificates in ${file} can't be read (${systemCode(error) ?? 'unknown error'}); going on without.`);
		return null;
	}
}
