import { marked } from 'marked';

/** The HTML that GitHub's kind of Markdown gives. What it may hold, GitHub restricts further; nothing of that is played here. */
export function rendered(markdown: string): string {
	return marked.parse(markdown, { async: false, gfm: true });
}

const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s[^<>]*)?)>/g;

export interface Element {
	readonly name: string;
	/** As written. */
	readonly attributes: string;
}

/** All elements in their order. Throws when they are not properly nested. */
export function elementsOf(html: string): readonly Element[] {
	const open: string[] = [];
	const elements: Element[] = [];
	for (const [, slash, name = '', attributes = ''] of html.matchAll(TAG)) {
		if (slash === '') {
			elements.push({ name, attributes: attributes.trim() });
			if (!['br', 'hr', 'img', 'input'].includes(name)) open.push(name);
		} else if (open.pop() !== name) throw new Error(`</${name}> ends nothing that is open`);
	}
	if (open.length > 0) throw new Error(`<${open.join('><')}> is not ended`);
	return elements;
}

/** The text that people see, without markup. */
export function seenText(html: string): string {
	const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
	return html
		.replaceAll(TAG, '')
		.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
			code === undefined ? (entities[name ?? ''] ?? whole) : String.fromCodePoint(Number(code)),
		);
}

/** The cells of every table, by table and row. */
export function tablesOf(html: string): readonly (readonly (readonly string[])[])[] {
	return [...html.matchAll(/<table>(.*?)<\/table>/gs)].map(([, table = '']) =>
		[...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
			[...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) => seenText(cell)),
		),
	);
}
