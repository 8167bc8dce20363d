/** What the stand-ins take from the process: where programs are found, nothing else (no key, no token). */
export function searchPath(): string {
  return process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
}
