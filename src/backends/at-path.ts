/** A place on the same server. (`new URL(path, url)` would take what is behind a leading `//` for another host.) */
export function atPath({ origin }: URL, path: string): URL {
	const place = new URL(origin);
	place.pathname = path;
	return place;
}
