import { pusher } from './index.js';
await pusher();
