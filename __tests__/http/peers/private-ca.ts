import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PrivateCa {
	/** File with the authority's certificate, PEM. */
	readonly file: string;
	/** Key and certificate, PEM, for a server with these names (`DNS:localhost`, `IP:127.0.0.1`), valid for `days` (negative: over already). */
	issue(names: string, days?: number): { readonly key: string; readonly cert: string };
	remove(): void;
}

/** An authority that nobody trusts yet, made with the `openssl` command, which must be on the machine: Node can't sign certificates. */
export function createPrivateCa(): PrivateCa {
	const dir = mkdtempSync(join(tmpdir(), 'private-ca-'));
	const file = join(dir, 'ca.pem');
	const run = (...args: string[]) => {
		try {
			execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
		} catch (error) {
			throw new Error('These tests need the command `openssl` (Debian: apt-get install openssl).', { cause: error });
		}
	};
	const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
	run('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Private test authority');
	let serial = 0;
	return {
		file,
		issue(names, days = 2) {
			const name = `server-${++serial}`;
			writeFileSync(join(dir, `${name}.ext`), `subjectAltName=${names}\n`);
			run('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
			const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
			run('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, '-days', `${days}`, ...authority);
			return { key: readFileSync(join(dir, `${name}.key`), 'utf8'), cert: readFileSync(join(dir, `${name}.pem`), 'utf8') };
		},
		remove: () => rmSync(dir, { recursive: true }),
	};
}
