/** `npm run format`: writes the format and the safe fixes. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
process.exitCode =
	spawnSync(join(root, 'node_modules', '.bin', 'biome'), ['check', '--write', '.'], { cwd: root, stdio: 'inherit' }).status ?? 1;
