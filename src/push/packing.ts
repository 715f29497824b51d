import type { Compression, NarSource } from '../backends/backend.ts';
import type { PathInfo } from '../nix/path-info.ts';

export interface PackerOptions {
	readonly compression: Compression;
	/** `null`: the default for that compression. */
	readonly level: number | null;
	/** A folder for spool files, made (0700) when first needed and removed by `close`. */
	readonly spoolDir: string;
	/** Where the file system has a store path, for chroot stores. Default: the path itself. */
	readonly realPath?: (storePath: string) => string;
}

/** Packs NARs for one push. Threads start with the first large path; `close` ends them and removes the spool folder. */
export interface Packer {
	sourceOf(info: PathInfo): NarSource;
	close(): Promise<void>;
}

export declare function createPacker(options: PackerOptions): Packer;
