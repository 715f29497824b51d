import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: 'unit',
					include: ['__tests__/**/*.test.ts'],
					exclude: ['__tests__/e2e/**'],
					testTimeout: 30_000,
				},
			},
			{
				test: {
					name: 'e2e',
					include: ['__tests__/e2e/**/*.test.ts'],
					testTimeout: 180_000,
					hookTimeout: 180_000,
					fileParallelism: true,
					// Several files wait most of the time, for servers that fail and for patience to end.
					maxWorkers: 3,
				},
			},
		],
	},
});
