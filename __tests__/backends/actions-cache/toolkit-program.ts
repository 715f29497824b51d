/** The process that `@actions/cache` runs in, from the sources. */
import { toolkit } from '../../../src/phases/toolkit.ts';

await toolkit();
