import { Problem } from "./problem.ts";

/** The HTTP proxies of one machine: whole addresses, `""` for none; `noProxy` lists the exceptions, split by commas. */
export type HttpProxies = { httpProxy: string; httpsProxy: string; noProxy: string };

export const noProxies: HttpProxies = { httpProxy: "", httpsProxy: "", noProxy: "" };

/** Every variable that `readHttpProxies` reads. For each pair the lower-case name wins, as it does for curl and git. */
export const proxyVariables = [
  "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
] as const; // prettier-ignore

/**
 * Reads the machine's proxies as curl and git do: `ALL_PROXY` serves where the scheme's own variable is not set.
 * @throws Problem validation_failed, which names the variable and never its value: that may hold a password.
 */
export function readHttpProxies(environment: Record<string, string | undefined>): HttpProxies {
  const first = (...names: (typeof proxyVariables)[number][]) => {
    const name = names.find((one) => environment[one]?.trim());
    return name === undefined ? "" : proxyAddress(name, environment[name]?.trim() ?? "");
  };
  return {
    httpProxy: first("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
    httpsProxy: first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    noProxy: (environment["no_proxy"]?.trim() || environment["NO_PROXY"]?.trim()) ?? "",
  };
}

/** The proxy for a request to `url`; null for a direct connection. Loopback never goes through a proxy. */
export function proxyFor(url: string | URL, { httpProxy, httpsProxy, noProxy }: HttpProxies): string | null {
  const { protocol, hostname, port } = new URL(url);
  const proxy = protocol === "https:" ? httpsProxy : httpProxy;
  if (proxy === "") return null;
  const host = bare(hostname.toLowerCase()).replace(/\.$/, "");
  if (isLoopback(host)) return null;
  const target = { host, port: port || (protocol === "https:" ? "443" : "80") };
  const exceptions = noProxy.toLowerCase().split(/[\s,]+/).filter(Boolean); // prettier-ignore
  return exceptions.some((exception) => excepts(exception, target)) ? null : proxy;
}

/** A proxy's address as it may be shown: without user and password. */
export function shownProxy(proxy: string): string {
  return URL.canParse(proxy) ? new URL(proxy).origin : "the proxy";
}

/** Takes the login of each proxy out of a text: its password, and user and password wherever they stand together. */
export function withoutProxySecrets(text: string, { httpProxy, httpsProxy }: HttpProxies): string {
  const secrets = [httpProxy, httpsProxy].filter((proxy) => URL.canParse(proxy)).flatMap((proxy) => secretsOf(proxy));
  return secrets.reduce((rest, { secret, end }) => rest.replaceAll(secret + end, `[secret]${end}`), text);
}

/**
 * Longest first, so that no short one breaks a longer; `end` follows a secret and stays. The user beside a password is
 * no secret; one without may be a token. What is shorter than 4 characters would garble every text when it is looked
 * for alone.
 */
function secretsOf(proxy: string): { secret: string; end: string }[] {
  const { username, password, hostname } = new URL(proxy);
  if (!username && !password) return [];
  const secrets = [[username, password] as const, [decoded(username), decoded(password)] as const].flatMap(
    ([user, word]) => {
      const pair = `${user}:${word}`;
      const alone = word || user;
      return [
        { secret: pair, end: "@" },
        { secret: btoa(unescapedBytes(pair)), end: "" },
        ...(word ? [] : [{ secret: user, end: `@${hostname}` }]),
        ...(alone.length < 4 ? [] : [alone, pair].map((secret) => ({ secret, end: "" }))),
      ];
    },
  );
  return secrets.toSorted((one, other) => (other.secret + other.end).length - (one.secret + one.end).length);
}

/** Decodes as far as the text is UTF-8, and never throws. */
function decoded(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
    const bytes = escaped.slice(1).split("%").map((hex) => Number.parseInt(hex, 16)); // prettier-ignore
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}

/** `btoa` takes one character per byte. */
function unescapedBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

function proxyAddress(name: string, written: string): string {
  const whole = written.includes("://") ? written : `http://${written}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url && url.protocol.startsWith("socks"))
    throw wrong(`${name} names a SOCKS proxy. Only HTTP proxies are supported.`, name);
  if (!url || !["http:", "https:"].includes(url.protocol) || url.hostname === "")
    throw wrong(`${name} is not the address of an HTTP proxy.`, name);
  const [user, password] = [url.username, url.password].map((part) => part.replace(/%(?![0-9a-f]{2})/gi, "%25"));
  if (decoded(`${user}${password}`).includes("\uFFFD"))
    throw wrong(`${name} holds a user or password that is not UTF-8.`, name);
  const login = user || password ? `${user}${password ? `:${password}` : ""}@` : "";
  // Without a port curl, and git with it, would take 1080; `URL` leaves a scheme's own port out.
  return `${url.protocol}//${login}${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
}

function wrong(detail: string, name: string): Problem {
  return new Problem("validation_failed", detail, {
    next: `Set ${name} to an address such as http://proxy.example:3128, or unset it.`,
  });
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  // `0.0.0.0` and `::` connect to this machine too; the URL parser writes IPv4 inside IPv6 in hexadecimal.
  return (
    /^127\.\d+\.\d+\.\d+$/.test(host) || ["::1", "0.0.0.0", "::"].includes(host) || /^::ffff:7f[0-9a-f]{2}:/.test(host)
  );
}

/** `*`, a name, `.name` or `*.name`, an address, a range of IPv4 addresses; each but the range with a port or without. */
function excepts(exception: string, { host, port }: { host: string; port: string }): boolean {
  if (exception === "*") return true;
  const range = /^(\d+\.\d+\.\d+\.\d+)\/(\d{1,2})$/.exec(exception);
  if (range) return isInRange(host, range[1] ?? "", Number(range[2]));
  const withPort = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(exception);
  const name = bare(withPort?.[1] ?? exception).replace(/^\*?\./, "").replace(/\.$/, ""); // prettier-ignore
  const isPort = withPort?.[2] === undefined || withPort[2] === port;
  return isPort && name !== "" && (host === name || host.endsWith(`.${name}`));
}

function isInRange(host: string, from: string, bits: number): boolean {
  const [address, first] = [numberOf(host), numberOf(from)];
  if (address === null || first === null || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor(first / size);
}

function numberOf(address: string): number | null {
  const parts = address.split(".").map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
  return isAddress ? parts.reduce((sum, part) => sum * 256 + part, 0) : null;
}
