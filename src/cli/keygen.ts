import { resolve } from 'node:path';
import { isCacheError } from '../errors.ts';
import { formatPublicKey, formatSecretKey, generateKey, publicKeyOf, type SecretKey } from '../nix/signature.ts';
import { optionValue } from './command.ts';
import type { Context } from './context.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { usageError } from './parse.ts';
import { writeNew } from './private-file.ts';

/** `keygen NAME` */
export async function keygen({ command, args, terminal, cwd, wantsJson }: Context): Promise<ExitStatus> {
	const [name = ''] = args.operands;
	const key = newKey(name);
	const file = resolve(cwd, optionValue(command, args, 'secret-key-file') ?? `${name.replaceAll('/', '-')}.secret`);
	const publicKey = formatPublicKey(publicKeyOf(key));
	await writeNew(file, formatSecretKey(key));
	if (wantsJson) terminal.print(JSON.stringify({ name, publicKey, secretKeyFile: file }));
	else terminal.print(publicKey);
	terminal.log.info(
		`The secret key is in ${file}. Whoever has it can make paths that your machines believe: keep it as a secret.`,
	);
	return EXIT.well;
}

function newKey(name: string): SecretKey {
	try {
		return generateKey(name);
	} catch (error) {
		if (isCacheError(error, 'format-invalid'))
			throw usageError(error.message, 'Name it after who signs, such as `example.org-1`.');
		throw error;
	}
}
