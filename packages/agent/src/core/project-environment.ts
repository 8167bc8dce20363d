/**
 * What a project's programs get in sandboxes without network. Prisma's command line fetches its migration engine at
 * every start unless it is given one; generating a client (Prisma 7) needs none, and a migration fails as it would.
 */
export const projectEnvironment = { PRISMA_SCHEMA_ENGINE_BINARY: "/bin/false" };
