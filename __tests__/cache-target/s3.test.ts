import { describe, expect, it } from 'vitest';
import type { S3Target } from '../../src/cache-target/s3.ts';
import { parseCacheTarget } from '../../src/cache-target/target.ts';

function understood(line: string): S3Target {
	const target = parseCacheTarget(line, null, null);
	if ('problem' in target || target.kind !== 's3') throw new Error(JSON.stringify(target));
	return target;
}

describe('the URL of a bucket', () => {
	it.each([
		['s3://nix', 'https://nix.s3.us-east-1.amazonaws.com', 's3://nix', 'https://s3.us-east-1.amazonaws.com/', 'virtual'],
		[
			's3://nix?region=eu-west-1',
			'https://nix.s3.eu-west-1.amazonaws.com',
			's3://nix',
			'https://s3.eu-west-1.amazonaws.com/',
			'virtual',
		],
		[
			's3://nix?region=cn-north-1',
			'https://nix.s3.cn-north-1.amazonaws.com.cn',
			's3://nix',
			'https://s3.cn-north-1.amazonaws.com.cn/',
			'virtual',
		],
		[
			's3://nix?region=eusc-de-east-1',
			'https://nix.s3.eusc-de-east-1.amazonaws.eu',
			's3://nix',
			'https://s3.eusc-de-east-1.amazonaws.eu/',
			'virtual',
		],
		[
			's3://nix.example.org',
			'https://s3.us-east-1.amazonaws.com/nix.example.org',
			's3://nix.example.org',
			'https://s3.us-east-1.amazonaws.com/',
			'path',
		],
		[
			's3://nix?addressing-style=path',
			'https://s3.us-east-1.amazonaws.com/nix',
			's3://nix',
			'https://s3.us-east-1.amazonaws.com/',
			'path',
		],
		[
			's3://nix/a/b/',
			'https://nix.s3.us-east-1.amazonaws.com/a/b',
			's3://nix/a/b',
			'https://s3.us-east-1.amazonaws.com/',
			'virtual',
		],
		[
			's3://nix?endpoint=garage:3900&scheme=http&region=garage',
			'http://garage:3900/nix',
			'http://garage:3900/nix',
			'http://garage:3900/',
			'path',
		],
		[
			's3://nix?endpoint=https://s3.example.org',
			'https://s3.example.org/nix',
			'https://s3.example.org/nix',
			'https://s3.example.org/',
			'path',
		],
		[
			's3://nix?endpoint=https%3A%2F%2Fs3.example.org%2Fapi%2F',
			'https://s3.example.org/api/nix',
			'https://s3.example.org/api/nix',
			'https://s3.example.org/api/',
			'path',
		],
		[
			's3://nix?endpoint=s3.example.org&addressing-style=virtual',
			'https://nix.s3.example.org',
			'https://nix.s3.example.org',
			'https://s3.example.org/',
			'virtual',
		],
		[
			's3://nix?region=auto&endpoint=https://1.r2.cloudflarestorage.com',
			'https://1.r2.cloudflarestorage.com/nix',
			'https://1.r2.cloudflarestorage.com/nix',
			'https://1.r2.cloudflarestorage.com/',
			'path',
		],
	])('%s is asked at %s', (line, substituter, place, endpoint, addressing) => {
		const target = understood(line);
		expect(target).toMatchObject({ substituter, place, addressing });
		expect(target.endpoint.href).toBe(endpoint);
	});

	it('takes the meaning of each parameter from Nix', () => {
		const line =
			's3://nix?profile=ci&storage-class=STANDARD_IA&priority=30&want-mass-query=true&multipart-upload=true&multipart-chunk-size=10485760';
		expect(understood(line)).toMatchObject({
			bucket: 'nix',
			prefix: '',
			region: 'us-east-1',
			profile: 'ci',
			storageClass: 'STANDARD_IA',
			credentials: null,
			substituter: 'https://nix.s3.us-east-1.amazonaws.com?priority=30&want-mass-query=true',
		});
		expect(understood('s3://nix?profile=default&region=&endpoint=')).toMatchObject({
			profile: null,
			storageClass: null,
			region: 'us-east-1',
		});
		expect(understood('s3://nix/a/b').prefix).toBe('a/b/');
	});

	it('takes `username` and `password` as the access key', () => {
		const credentials = { kind: 'basic', username: 'AKIA', password: 'secret' } as const;
		expect(parseCacheTarget('s3://nix', null, credentials)).toMatchObject({ credentials });
		expect(parseCacheTarget('s3://nix', null, { kind: 'bearer', token: 't' })).toEqual({
			problem: expect.stringMatching(/^token: .*`username` and `password`/),
		});
	});

	it.each([
		['s3://', /no bucket/],
		['s3:nix', /no bucket/],
		['s3://AKIA:secret@nix', /^(?!.*secret).*credentials inside.*`username` and `password`/],
		['s3://nix#fragment', /no bucket/],
		['s3://nix/a b', /folder/],
		['s3://nix/../x', /folder/],
		['s3://nix?regoin=eu-west-1', /unknown parameter `regoin`.*`region`/],
		['s3://nix?region=eu-west-1&region=eu-west-2', /`region` twice/],
		['s3://nix?region=eu.west', /region/],
		['s3://nix?scheme=ftp', /`https` and `http`/],
		['s3://nix?endpoint=https://user:pw@host', /^(?!.*pw@).*`endpoint`/],
		['s3://nix?endpoint=ftp://host', /`endpoint`/],
		['s3://nix?endpoint=http://', /`endpoint`/],
		['s3://nix?addressing-style=vhost', /`auto`, `path` and `virtual`/],
		['s3://nix.org?addressing-style=virtual', /dot/],
		['s3://nix?storage-class=CHEAP', /`STANDARD_IA`/],
		['s3://nix?secret-key=/etc/key', /`signing-key`/],
		['s3://nix?compression=zstd', /the input `compression`/],
		['s3://nix?write-nar-listing=1', /no listings/],
		['s3://nix?profile=100%', /lone `%`/],
	])('%s is refused', (line, problem) => {
		expect(parseCacheTarget(line, null, null)).toEqual({ problem: expect.stringMatching(problem) });
	});
});
