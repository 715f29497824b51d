import { CacheError } from '../errors.ts';

/** The fields of a JSON object that a server sent. Every reader throws `cache-invalid` when the field is not what it is asked as. */
export interface JsonFields {
	text(name: string): string;
	/** `null` when the field is not there, or null. */
	textOrNull(name: string): string | null;
	boolean(name: string): boolean;
	/** `null` when the field is not there, or null. */
	numberOrNull(name: string): number | null;
	texts(name: string): readonly string[];
	fields(name: string): JsonFields;
	/** `null` when the field is not there, or null. */
	fieldsOrNull(name: string): JsonFields | null;
	/** Of an object that is a map, all names. */
	names(): readonly string[];
}

/** Reads an answer that should be an object. `what` begins the messages: `The answer of cachix.org`. */
export function jsonFields(bytes: Uint8Array, what: string): JsonFields {
	return fieldsOf(jsonValue(bytes, what), what);
}

/** Reads an answer that should be a list of texts. */
export function jsonTexts(bytes: Uint8Array, what: string): readonly string[] {
	return textsOf(jsonValue(bytes, what), what);
}

function fieldsOf(value: unknown, what: string): JsonFields {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw strange(what, 'is not an object');
	const fields = new Map<string, unknown>(Object.entries(value));
	const wrong = (name: string, wanted: string): CacheError => strange(what, `has no ${wanted} \`${name}\``);
	const textOrNull = (name: string): string | null => {
		const text = fields.get(name) ?? null;
		if (text === null || typeof text === 'string') return text;
		throw wrong(name, 'text');
	};
	const fieldsOrNull = (name: string): JsonFields | null => {
		const inner = fields.get(name) ?? null;
		return inner === null ? null : fieldsOf(inner, `\`${name}\` in ${what}`);
	};
	return {
		textOrNull,
		fieldsOrNull,
		text(name) {
			const text = textOrNull(name);
			if (text === null) throw wrong(name, 'text');
			return text;
		},
		boolean(name) {
			const truth = fields.get(name);
			if (typeof truth !== 'boolean') throw wrong(name, 'boolean');
			return truth;
		},
		numberOrNull(name) {
			const number = fields.get(name) ?? null;
			if (number === null || typeof number === 'number') return number;
			throw wrong(name, 'number');
		},
		texts: (name) => textsOf(fields.get(name), `\`${name}\` in ${what}`),
		fields(name) {
			const inner = fieldsOrNull(name);
			if (inner === null) throw wrong(name, 'object');
			return inner;
		},
		names: () => [...fields.keys()],
	};
}

function textsOf(value: unknown, what: string): readonly string[] {
	if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw strange(what, 'is not a list of texts');
	return value;
}

function jsonValue(bytes: Uint8Array, what: string): unknown {
	try {
		const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
		return value;
	} catch (cause) {
		throw new CacheError('cache-invalid', `${what} is not JSON.`, { hint: 'Is that the right server?', cause });
	}
}

function strange(what: string, why: string): CacheError {
	return new CacheError('cache-invalid', `${what} ${why}.`);
}
