/** Builds dist/: `tsc` to build/, `ncc` to one ESM bundle, launchers of a few lines. The same bytes on every build. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

/** Builds into `outDir`, emptied first (a leftover would change what ncc numbers and copies). */
function build(outDir: string): void {
	const buildDir = join(root, 'build');
	for (const directory of [buildDir, outDir]) {
		rmSync(directory, { recursive: true, force: true });
		mkdirSync(directory, { recursive: true });
	}
	execFileSync(bin('tsc'), ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
	writeFileSync(join(buildDir, 'package.json'), '{ "type": "module" }\n');
	execFileSync(bin('ncc'), ['build', join('build', 'index.js'), '--out', outDir, '--no-cache', '--quiet'], {
		cwd: root,
		stdio: ['ignore', 'ignore', 'inherit'],
	});
	for (const phase of ['pre', 'main', 'serve', 'pusher', 'toolkit']) {
		writeFileSync(join(outDir, `${phase}.js`), `import { ${phase} } from './index.js';\nawait ${phase}();\n`);
	}
	writeFileSync(join(outDir, 'post.js'), POST);
	writeFileSync(join(outDir, 'cli.js'), CLI);
	chmodSync(join(outDir, 'cli.js'), 0o755);
	// Worker threads load this file by its path; it imports Node's own modules only.
	copyFileSync(join(buildDir, 'push', 'frame-worker.js'), join(outDir, 'frame-worker.js'));
}

/** A signal that comes while the bundle is loaded must not end post before it has undone anything. */
const POST = `const cut = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => cut.abort());
const { post } = await import('./index.js');
await post(cut.signal);
`;

/** Whoever runs it has chosen the Node; older ones fail in the middle, for want of zstd. */
const CLI = `#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) < 24) {
	process.stderr.write(\`nix-cache-action needs Node 24 or newer, and this is \${process.version}.\\n\`);
	process.exit(2);
}
const { cli } = await import('./index.js');
await cli();
`;

const outDir = process.argv[2] ?? join(root, 'dist');
build(outDir);
process.stdout.write(`${outDir}: ${readdirSync(outDir).sort().join(' ')}\n`);
