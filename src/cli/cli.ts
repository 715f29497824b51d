/** The command line: `dist/cli.js`. What it is made of is loaded here, so that the phases do not pay for it. */
export async function cli(): Promise<void> {
	// Whoever reads the output may go before it ends (`| head`); what was to be done is done all the same.
	for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
	const env = { ...process.env };
	// Programs that are started without an environment of their own get this process's.
	for (const name of Object.keys(env)) if (name.startsWith('NIX_CACHE_')) delete process.env[name];
	const { runCommandLine } = await import('./command-line.ts');
	process.exitCode = await runCommandLine({
		argv: process.argv.slice(2),
		env,
		cwd: process.cwd(),
		stdin: process.stdin,
		out: (text) => void process.stdout.write(text),
		err: (text) => void process.stderr.write(text),
		isTerminal: process.stderr.isTTY === true,
	});
}
