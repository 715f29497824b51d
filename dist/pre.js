import { pre } from './index.js';
await pre();
