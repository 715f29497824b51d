import { parametersSetElsewhere, type Refusal } from './refusal.ts';

/** A folder, such as a mounted share, in Nix's `file://` form. */
export interface FileTarget {
	readonly kind: 'file';
	/** For people: where it takes uploads, without credentials. */
	readonly place: string;
	/** Absolute, without a slash at its end. */
	readonly folder: string;
	/** The store URL as Nix gets it, with the parameters that the user wrote. */
	readonly substituter: string;
}

/** `file:///folder`, as Nix takes it: an absolute path, not encoded, and parameters of Nix's own. Blanks would end it in nix.conf. */
export function parseFileUrl(line: string): FileTarget | Refusal {
	const [, path, parameters = ''] = /^file:\/\/(\/[^?#]*)(\?[^#]*)?$/.exec(line) ?? [];
	const folder = path === undefined || !/^[^%\s\0]*$/.test(path) ? null : path.replace(/\/+$/, '');
	if (folder === null || folder === '' || folder.split('/').includes('..')) {
		return {
			problem: `cache: \`${line}\` is not the URL of a folder; write \`file:///folder\`, with an absolute path that has no blanks and no per cent signs.`,
		};
	}
	const elsewhere = parametersSetElsewhere(line);
	if (elsewhere !== null) return { problem: `cache: \`${line}\` ${elsewhere}` };
	return { kind: 'file', place: `file://${folder}`, folder, substituter: `file://${folder}${parameters}` };
}
