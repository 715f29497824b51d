/** A private certificate authority and a server certificate of it, made once a process with the openssl of the oldest root. */
import { createMachine, TEST_HOSTS } from './machine.ts';

/** PEM texts. `ca` is what a client must trust. */
export interface Certificates {
	readonly ca: string;
	readonly cert: string;
	readonly key: string;
}

const SCRIPT = `
set -e
cd /tmp
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc"
openssl req -x509 $key -keyout ca.key -out ca.pem -subj "/CN=Test authority" -days 30 \\
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
openssl req -x509 $key -keyout server.key -out server.pem -subj /CN=localhost -days 30 -CA ca.pem -CAkey ca.key \\
	-addext basicConstraints=critical,CA:FALSE -addext "subjectAltName=$1"
`;

let made: Promise<Certificates> | null = null;

/** Valid for 127.0.0.1, localhost and the test hosts (`TEST_HOSTS`). */
export function testCertificates(): Promise<Certificates> {
	made ??= make();
	return made;
}

async function make(): Promise<Certificates> {
	await using machine = await createMachine({ nix: '2.8' });
	const names = ['IP:127.0.0.1', ...['localhost', ...TEST_HOSTS].map((host) => `DNS:${host}`)].join(',');
	await machine.run(['sh', '-c', SCRIPT, 'sh', names]);
	return {
		ca: machine.readFile('/tmp/ca.pem'),
		cert: machine.readFile('/tmp/server.pem'),
		key: machine.readFile('/tmp/server.key'),
	};
}
