/**
 * Writes docs/cli.md from the table of commands that parsing and `--help` use, so that they never differ. With `--check` it writes nothing and fails when they
 * do (`npm run check`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../src/cli/command.ts';
import { COMMANDS, optionsOf } from '../src/cli/commands.ts';
import { labelOf, meaningOf, usageOf } from '../src/cli/help.ts';
import { table } from './docs/markdown-table.ts';

const file = join(import.meta.dirname, '..', 'docs', 'cli.md');

const INTRODUCTION = `# Command line

What the action does in a GitHub job, as commands for everything else: [GitLab](ci/gitlab.md), [Buildkite](ci/buildkite.md), [Jenkins](ci/jenkins.md),
[a laptop](ci/laptop.md). It is the same code, and Node 24 is all that it needs beside Nix:

\`\`\`sh
npx --yes https://github.com/org/nix-cache-action/releases/download/v1.0.0/nix-cache-action.tgz --help
\`\`\`

or, in a checkout, \`node dist/cli.js --help\`. The package of a release holds the bundle and depends on nothing, so no other package, and no script of one, comes near your secrets. That
is why it is not \`npx github:…\`: npm would install all that the bundle was made from, for half a minute. Where there is no Node 24, Nix brings it:

\`\`\`sh
nix shell nixpkgs#nodejs_24 --command npx --yes https://github.com/org/nix-cache-action/releases/download/v1.0.0/nix-cache-action.tgz --help
\`\`\`

**Secrets come from environment variables** (or a file, for the signing key), never from the command line, which every user of a machine can read. Results go to standard output,
everything else to standard error. \`--json\` prints the result as JSON; a command that fails prints \`{"error": {"code", "message", "hint"}}\` then, unless it has a report.
`;

const IN_A_JOB = `## The Actions cache from a \`run:\` step

\`ls\`, \`gc\` and \`push actions-cache\` need what the runner gives to actions alone. A step before hands it on; from then on every later step of that job sees the token,
so do this in a job that runs nothing of strangers:

\`\`\`yaml
name: size of the Nix store
on:
  workflow_dispatch:
jobs:
  collect:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/github-script@v8
        with:
          script: |
            for (const name of ['ACTIONS_RUNTIME_TOKEN', 'ACTIONS_RESULTS_URL', 'ACTIONS_CACHE_SERVICE_V2'])
              core.exportVariable(name, process.env[name] ?? '');
      - uses: actions/setup-node@v5
        with:
          node-version: 24
      - run: npx --yes https://github.com/org/nix-cache-action/releases/download/v1.0.0/nix-cache-action.tgz gc --actions-cache-size '4 GiB'
\`\`\`
`;

function render(): string {
	return [
		'<!-- Made from src/cli/commands.ts by `node scripts/run.mjs cli-page`. -->',
		'',
		INTRODUCTION,
		...table(
			['command', 'does'],
			COMMANDS.map(({ name, summary }) => [`[\`${name}\`](#${name})`, summary]),
		),
		'',
		...COMMANDS.flatMap(section),
		IN_A_JOB,
	].join('\n');
}

function section(command: Command): readonly string[] {
	const { name, summary, description, operands, variables, exits, examples, json } = command;
	const options = optionsOf(command).map((option) => [`\`${labelOf(option).trim()}\``, meaningOf(option, json)]);
	return [
		`## ${name}`,
		'',
		`${summary}.`,
		'',
		'```',
		usageOf(command),
		'```',
		'',
		...description.flatMap((paragraph) => [paragraph, '']),
		...part(
			['argument', 'meaning'],
			operands.map((operand) => [`\`${operand.name}\``, operand.meaning]),
		),
		...part(['option', 'meaning'], options),
		...part(
			['environment', 'meaning'],
			variables.map((variable) => [`\`${variable.name}\``, variable.meaning]),
		),
		...part(
			['exit status', 'meaning'],
			exits.map(({ status, meaning }) => [String(status), meaning]),
		),
		'```sh',
		...examples,
		'```',
		'',
	];
}

function part(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
	return rows.length === 0 ? [] : [...table(head, rows), ''];
}

const text = render();
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
	console.error('docs/cli.md is not what src/cli/commands.ts says. Run `node scripts/run.mjs cli-page` and commit it.');
	process.exitCode = 1;
}
