/**
 * The address as the driver has to be given it, so that `sslmode` means what PostgreSQL's own programs mean by it:
 * `require` encrypts and proves nothing, or proves the authority where `sslrootcert` names one; `verify-ca` proves the
 * authority and not the name. By itself the driver reads both as `verify-full`.
 * https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function driverAddress(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return databaseUrl;
  const url = new URL(databaseUrl);
  const mode = url.searchParams.get("sslmode");
  const isMeantOtherwise = mode === "require" || (mode === "verify-ca" && url.searchParams.has("sslrootcert"));
  if (!isMeantOtherwise || url.searchParams.has(driversOwn)) return databaseUrl;
  return `${databaseUrl}&${driversOwn}=true`;
}

/** The driver's name for that reading; no other program knows it. */
export const driversOwn = "uselibpqcompat";
