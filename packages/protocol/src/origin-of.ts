import { Problem } from "./problem.ts";

/**
 * The origin of a control plane's address. The server answers at the root of its address, so a path is refused rather
 * than kept by some requests and dropped by others.
 * @throws Problem validation_failed, naming `setting`
 */
export function originOf(written: string, setting: string): string {
  const url = URL.canParse(written) ? new URL(written) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw wrong(`${setting} is not an http or https address.`);
  if (url.username || url.password) throw wrong(`${setting} holds a user or a password.`);
  if (url.pathname !== "/" || url.search || url.hash)
    throw wrong(`${setting} has a path: ${url.pathname}${url.search}. The server answers at the root of its address.`);
  return url.origin;
}

function wrong(detail: string): Problem {
  return new Problem("validation_failed", detail, {
    next: "Write scheme, name and port alone, such as https://feedback.example.com.",
  });
}
