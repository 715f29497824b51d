const cut = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => cut.abort());
const { post } = await import('./index.js');
await post(cut.signal);
