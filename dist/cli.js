#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) < 24) {
	process.stderr.write(`nix-cache-action needs Node 24 or newer, and this is ${process.version}.\n`);
	process.exit(2);
}
const { cli } = await import('./index.js');
await cli();
