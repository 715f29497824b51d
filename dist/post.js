const early = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => early.abort());
const { post } = await import('./index.js');
await post(early.signal);
