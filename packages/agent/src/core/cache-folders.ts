/**
 * Where tools write below node_modules while a project is tested and built: Vite, Vitest and their configuration,
 * `tsc -b` as create-vite sets it up, Babel, ESLint and webpack's loaders, Prisma's generated client. An installed layer
 * has them all, empty, so that they can be mounted where the kernel has no overlays.
 */
export const cacheFolders = [".vite", ".vite-temp", ".vitest", ".tmp", ".cache", ".prisma"] as const;
