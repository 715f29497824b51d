/** The few `${{ }}` expressions that an action.yml's defaults use: property paths and `toJSON` of them. */

/** The contexts that an expression may name: `github`, `job`, `strategy`, `matrix`, ... */
export type Contexts = Readonly<Record<string, unknown>>;

/** Replaces every expression in `text`. Throws on one that this reader does not know: a test must not pass on a guess. */
export function evaluate(text: string, contexts: Contexts): string {
	return text.replace(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
		const [, json] = /^toJSON\(([\w.-]+)\)$/i.exec(expression) ?? [];
		if (json !== undefined) return JSON.stringify(lookUp(json, contexts) ?? null, null, 2);
		if (!/^[\w-]+(\.[\w-]+)*$/.test(expression)) throw new Error(`the runner harness can't evaluate \${{ ${expression} }}`);
		const value = lookUp(expression, contexts);
		return value === undefined || value === null ? '' : String(value);
	});
}

/** A missing property is null in GitHub's expressions, but a context that does not exist is a mistake. */
function lookUp(path: string, contexts: Contexts): unknown {
	const [context = '', ...properties] = path.split('.');
	if (!(context in contexts)) throw new Error(`the runner harness has no context ${context} (in \${{ ${path} }})`);
	let value = contexts[context];
	for (const property of properties) {
		value = typeof value === 'object' && value !== null ? Reflect.get(value, property) : undefined;
	}
	return value;
}
