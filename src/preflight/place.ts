/**
 * A store URL without its parameters, whose order and encoding Nix may change when it shows its settings, and without slashes at its end; `local` as new versions
 * show it. Enough to know a cache again.
 */
function placeOf(url: string): string {
	return url
		.replace(/^local(?=\?|$)/, 'local://')
		.replace(/\?.*$/s, '')
		.replace(/\/+$/, '');
}

export function hasPlace(urls: readonly string[], url: string): boolean {
	return urls.some((other) => placeOf(other) === placeOf(url));
}
