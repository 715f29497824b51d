/** HTTP credentials for one cache. They go to the host of the cache that they were given for and to no other. */
export type Credentials =
	| { readonly kind: 'basic'; readonly username: string; readonly password: string }
	| { readonly kind: 'bearer'; readonly token: string };
