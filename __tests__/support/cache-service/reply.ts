/** An answer before it goes out. */
export interface Reply {
	/** `null`: the connection is reset in place of an answer. */
	readonly status: number | null;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
	return { status, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** What comes from something between the client and the service. */
export function brokenAnswer(kind: 'bad-gateway' | 'not-json' | 'reset'): Reply {
	const html = { 'content-type': 'text/html' };
	switch (kind) {
		case 'bad-gateway':
			return { status: 502, headers: html, body: '<html><head><title>502 Bad Gateway</title></head></html>' };
		case 'not-json':
			return { status: 200, headers: html, body: '<html><head><title>Sign in to the network</title></head></html>' };
		case 'reset':
			return { status: null, headers: {}, body: '' };
	}
}

/** A field of a JSON object by its name in the protocol; clients may write it in camel case as well (protobuf's JSON mapping). */
export function field(value: unknown, name: string): unknown {
	if (typeof value !== 'object' || value === null) return undefined;
	const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
	return Reflect.get(value, name) ?? Reflect.get(value, camel);
}
