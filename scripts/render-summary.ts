/**
 * `node scripts/run.mjs render-summary <summary.md> <page.html> [mermaid.js]`: a page that shows a job summary much as GitHub does, to look at
 * it in a browser. With the path of Mermaid's bundle (`dist/mermaid.min.js` of the package `mermaid`) its charts are drawn.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rendered } from '../__tests__/report/rendered.ts';

const STYLE = `
body { margin: 0; padding: 24px 32px; max-width: 896px; color: #1f2328; background: #fff; font: 16px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif }
h3 { margin: 24px 0 16px; font-size: 1.25em; font-weight: 600 }
p, blockquote, table, details, pre { margin: 0 0 16px }
table { display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse }
th, td { padding: 6px 13px; border: 1px solid #d1d9e0 }
tr:nth-child(2n) td { background: #f6f8fa }
blockquote { padding: 0 1em; border-left: .25em solid #d1d9e0; color: #59636e }
pre { padding: 16px; overflow: auto; border-radius: 6px; background: #f6f8fa; font: 85%/1.45 ui-monospace, "DejaVu Sans Mono", monospace }
pre.mermaid { background: none; text-align: center }
summary { cursor: pointer }`;

/** GitHub draws blocks of Mermaid; its library looks for them under a class of their own. */
function withCharts(html: string): string {
	return html.replace(/<pre><code class="language-mermaid">(.*?)<\/code><\/pre>/gs, '<pre class="mermaid">$1</pre>');
}

const [source, target, mermaid] = process.argv.slice(2);
if (source === undefined || target === undefined) {
	console.error('usage: render-summary <summary.md> <page.html> [mermaid.js]');
	process.exitCode = 1;
} else {
	const script = mermaid === undefined ? '' : `<script src="${pathToFileURL(resolve(mermaid))}"></script>`;
	const body = withCharts(rendered(readFileSync(source, 'utf8')));
	writeFileSync(target, `<!doctype html>\n<meta charset="utf-8">\n<style>${STYLE}</style>\n${body}\n${script}\n`);
}
