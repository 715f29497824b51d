import { serve } from './index.js';
await serve();
