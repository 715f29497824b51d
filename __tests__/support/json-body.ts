/** What came as the body of a request, `null` when it is no JSON. */
export function parsedBody(body: Buffer): unknown {
	try {
		return JSON.parse(body.toString());
	} catch {
		return null;
	}
}

/** `undefined` when `value` has no such field, or is no object. */
export function field(value: unknown, name: string): unknown {
	return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
