export { cli } from './cli/cli.ts';
export { main } from './phases/main.ts';
export { post } from './phases/post.ts';
export { pre } from './phases/pre.ts';
export { pusher } from './phases/pusher.ts';
export { serve } from './phases/serve.ts';
export { toolkit } from './phases/toolkit.ts';
