/** Which Debian mirror this machine uses, read from its own apt sources; the formats are those of sources.list(5). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name and code name of the running system, from os-release(5). */
export interface HostRelease {
	readonly id: string;
	readonly name: string;
	readonly codename: string;
}

/** One source of binary packages: a mirror and what is taken from it. */
export interface AptSource {
	readonly uri: string;
	readonly suites: readonly string[];
	readonly components: readonly string[];
}

export function hostRelease(file = '/etc/os-release'): HostRelease {
	const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
	const field = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
	return { id: field('ID'), name: field('PRETTY_NAME') || 'this system', codename: field('VERSION_CODENAME') };
}

/**
 * The mirror that a Debian machine takes its own release's main component from, or null when this is not Debian or the mirror is
 * not a plain URL, and debootstrap's default must do.
 */
export function debianMirror(release: HostRelease = hostRelease(), folder = '/etc/apt'): string | null {
	if (release.id !== 'debian') return null;
	const names = [release.codename, 'stable', 'testing', 'unstable', 'sid'];
	const source = readAptSources(folder).find(
		({ uri, suites, components }) =>
			/^https?:/.test(uri) && components.includes('main') && suites.some((suite) => names.includes(suite)),
	);
	return source?.uri ?? null;
}

/** The URL without the user and password that a mirror may need, for showing. */
export function withoutCredentials(url: string): string {
	return url.replace(/\/\/[^/@]*@/, '//');
}

function readAptSources(folder: string): readonly AptSource[] {
	const parts = join(folder, 'sources.list.d');
	const files = [
		join(folder, 'sources.list'),
		...(existsSync(parts) ? readdirSync(parts).sort() : []).map((name) => join(parts, name)),
	];
	return files.flatMap((file) => {
		if (!existsSync(file)) return [];
		const text = readFileSync(file, 'utf8');
		if (file.endsWith('.sources')) return parseDeb822(text);
		return file.endsWith('.list') ? parseOneLineStyle(text) : [];
	});
}

/** `deb [options] uri suite component...`, one source a line. */
export function parseOneLineStyle(text: string): readonly AptSource[] {
	return text.split('\n').flatMap((line) => {
		const [, uri, suite, components] = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line) ?? [];
		return uri && suite ? [{ uri, suites: [suite], components: words(components ?? '') }] : [];
	});
}

/** Stanzas of `Field: value`, with continuation lines that start with a space; several URIs and suites a stanza. */
export function parseDeb822(text: string): readonly AptSource[] {
	return text
		.replace(/^#.*\n?/gm, '')
		.split(/\n\s*\n/)
		.flatMap((stanza) => {
			const field = (name: string): readonly string[] =>
				words(new RegExp(`^${name}:((?:.*\\n?)(?:[ \\t].*\\n?)*)`, 'im').exec(stanza)?.[1] ?? '');
			if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return [];
			return field('URIs').map((uri) => ({ uri, suites: field('Suites'), components: field('Components') }));
		});
}

function words(text: string): readonly string[] {
	return text.split(/\s+/).filter((word) => word !== '');
}
