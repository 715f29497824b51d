/** Names of what the action itself adds to the store; after the job it is garbage, and never pushed. */
export const HOOK_NAME = 'nix-cache-action-hook';
export const HOLD_NAME = 'nix-cache-action-hold';

/** Whether a store path (or its base name) is one that this action made, in this job or in another one. */
export function isOwnPath(path: string): boolean {
	return path.endsWith(`-${HOOK_NAME}`) || path.endsWith(`-${HOLD_NAME}.drv`);
}
