import type { Credentials } from './credentials.ts';
import { type Refusal, setElsewhere, withoutUserInfo } from './refusal.ts';

/** A bucket of S3, or of a server that speaks its protocol, in Nix's `s3://` form. */
export interface S3Target {
	readonly kind: 's3';
	/** For people: which bucket this is. */
	readonly place: string;
	readonly bucket: string;
	/** In front of every key: '' or `some/folder/`. */
	readonly prefix: string;
	readonly region: string;
	/** Of the service, without the bucket. */
	readonly endpoint: URL;
	/** Where the bucket is named: in the path of a URL, or in its host. */
	readonly addressing: 'path' | 'virtual';
	/** In the files of the AWS command line; `null`: whatever the job has credentials from. */
	readonly profile: string | null;
	/** `null`: the bucket's own. */
	readonly storageClass: StorageClass | null;
	/** Access key id and secret, from the inputs `username` and `password`; `null`: the profile's, or whatever the job has. */
	readonly credentials: (Credentials & { readonly kind: 'basic' }) | null;
	/** As the user wrote it. */
	readonly line: string;
	/** The bucket as an HTTP cache, which every Nix can read when everybody may: with the parameters for readers. */
	readonly substituter: string;
}

/** Those that Nix names. */
const STORAGE_CLASSES = [
	'STANDARD',
	'REDUCED_REDUNDANCY',
	'STANDARD_IA',
	'ONEZONE_IA',
	'INTELLIGENT_TIERING',
	'GLACIER',
	'DEEP_ARCHIVE',
	'GLACIER_IR',
] as const;
export type StorageClass = (typeof STORAGE_CLASSES)[number];

/** Parameters for whoever reads; Nix gets them as they are. */
const FOR_READERS = ['priority', 'want-mass-query', 'trusted', 'path-info-cache-size', 'system-features'];
/** How Nix itself uploads; nothing of it is seen in the cache, and this action goes about it in its own way. */
const FOR_UPLOADS_BY_NIX = [
	'multipart-upload',
	'multipart-chunk-size',
	'buffer-size',
	'multipart-threshold',
	'parallel-compression',
	'local-nar-cache',
];
const OWN = ['region', 'endpoint', 'scheme', 'profile', 'addressing-style', 'storage-class'];

/**
 * `s3://bucket[/folder]?region=&endpoint=&scheme=&profile=&addressing-style=&storage-class=`, with the meaning and the defaults that they have for Nix.
 * Source: nix/src/libstore/include/nix/store/s3-binary-cache-store.hh (2.34).
 */
export function parseS3Url(line: string, credentials: Credentials | null): S3Target | Refusal {
	const problem = (text: string): Refusal => ({ problem: `cache: \`${withoutUserInfo(line)}\` ${text}` });
	const [, bucket = '', folder = '', query = ''] = /^s3:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(line) ?? [];
	if (bucket.includes('@')) return problem('has credentials inside; give them as the inputs `username` and `password`.');
	if (!/^[a-z0-9][a-z0-9._-]{1,254}$/i.test(bucket)) return problem('names no bucket; write `s3://bucket?region=…`.');
	const segments = folder.split('/').filter((segment) => segment !== '');
	if (!segments.every((segment) => /^[\w.+=-]+$/.test(segment) && !/^\.+$/.test(segment)))
		return problem('has a folder whose name has other characters than letters, digits and `.+=_-`.');
	const parameters = parametersOf(query);
	if (typeof parameters === 'string') return problem(parameters);
	const service = serviceOf(bucket, parameters);
	if (typeof service === 'string') return problem(service);
	if (credentials?.kind === 'bearer') {
		return { problem: 'token: given, but the first line of `cache` is S3, which knows none; use `username` and `password`.' };
	}
	const prefix = segments.map((segment) => `${segment}/`).join('');
	const url = `${bucketUrl(bucket, service)}${prefix}`.replace(/\/$/, '');
	const forReaders = query.split('&').filter((parameter) => FOR_READERS.includes(parameter.replace(/=.*/s, '')));
	const profile = parameters.get('profile') ?? '';
	return {
		kind: 's3',
		place: parameters.has('endpoint') ? url : `s3://${bucket}/${prefix}`.replace(/\/$/, ''),
		bucket,
		prefix,
		...service,
		// What Nix calls it when there is none.
		profile: profile === '' || profile === 'default' ? null : profile,
		credentials,
		line,
		substituter: `${url}${forReaders.length === 0 ? '' : `?${forReaders.join('&')}`}`,
	};
}

/** The parameters of a query by name, or what is wrong with it. */
function parametersOf(query: string): ReadonlyMap<string, string> | string {
	const found = new Map<string, string>();
	for (const parameter of query.split('&').filter((text) => text !== '')) {
		const [, name = '', encoded = ''] = /^([^=]*)=?(.*)$/s.exec(parameter) ?? [];
		const elsewhere = setElsewhere(name);
		if (elsewhere !== null) return elsewhere;
		if (![...OWN, ...FOR_READERS, ...FOR_UPLOADS_BY_NIX].includes(name))
			return `has the unknown parameter \`${name}\`; those of a bucket are ${OWN.map((own) => `\`${own}\``).join(', ')}.`;
		if (found.has(name)) return `has the parameter \`${name}\` twice.`;
		if (/%(?![0-9a-f]{2})/i.test(encoded)) return `has a lone \`%\` in the parameter \`${name}\`.`;
		found.set(name, decoded(encoded));
	}
	return found;
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

type Service = Pick<S3Target, 'region' | 'endpoint' | 'addressing' | 'storageClass'>;

function serviceOf(bucket: string, parameters: ReadonlyMap<string, string>): Service | string {
	const region = parameters.get('region') || 'us-east-1';
	if (!/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(region)) return 'has a region that is none; write `region=eu-west-1`, for example.';
	const scheme = parameters.get('scheme') || 'https';
	if (scheme !== 'https' && scheme !== 'http') return 'has an unknown `scheme`; allowed are `https` and `http`.';
	const given = parameters.get('endpoint') ?? '';
	const endpoint = endpointOf(given === '' ? amazonHost(region) : given, scheme);
	if (endpoint === null) return 'has an `endpoint` that is none; write `endpoint=https://host:port` (and no bucket in it).';
	const storageClass = storageClassOf(parameters);
	if (storageClass === undefined)
		return `has an unknown \`storage-class\`; allowed are ${STORAGE_CLASSES.map((name) => `\`${name}\``).join(', ')}.`;
	const style = parameters.get('addressing-style') || 'auto';
	if (style !== 'auto' && style !== 'path' && style !== 'virtual')
		return 'has an unknown `addressing-style`; allowed are `auto`, `path` and `virtual`.';
	if (style === 'virtual' && bucket.includes('.'))
		return 'has a bucket with a dot in its name, for which no certificate is valid with `addressing-style=virtual`.';
	const auto = given === '' && !bucket.includes('.') ? 'virtual' : 'path';
	return { region, endpoint, addressing: style === 'auto' ? auto : style, storageClass };
}

/** `undefined`: an unknown one. */
function storageClassOf(parameters: ReadonlyMap<string, string>): StorageClass | null | undefined {
	const given = parameters.get('storage-class') ?? '';
	return given === '' ? null : STORAGE_CLASSES.find((name) => name === given);
}

/** China's partition and the European Sovereign Cloud have domains of their own. Source: partitions.json of the AWS SDKs. */
function amazonHost(region: string): string {
	const domain = region.startsWith('cn-') ? 'com.cn' : region.startsWith('eusc-') ? 'eu' : 'com';
	return `s3.${region}.amazonaws.${domain}`;
}

function endpointOf(text: string, scheme: string): URL | null {
	const full = text.includes('://') ? text : `${scheme}://${text}`;
	if (!/^https?:\/\/[^@?#]+$/i.test(full) || !URL.canParse(full)) return null;
	return new URL(full);
}

/** Ends with a slash. */
function bucketUrl(bucket: string, { endpoint, addressing }: Pick<Service, 'endpoint' | 'addressing'>): string {
	const path = endpoint.pathname.replace(/\/$/, '');
	return addressing === 'path'
		? `${endpoint.origin}${path}/${bucket}/`
		: `${endpoint.protocol}//${bucket}.${endpoint.host}${path}/`;
}
