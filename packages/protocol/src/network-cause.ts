/** Why a connection failed, as far as Node's and undici's errors say. */
export type NetworkCause = {
  kind: "refused" | "unknown_host" | "timeout" | "certificate" | "proxy" | "unreachable" | "broken";
  /** Half a sentence without secrets: "the connection was refused (ECONNREFUSED)". */
  detail: string;
  /** What a person can do; null where only the address and the network can be checked. */
  next: string | null;
};

const certificateNext =
  "Set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of the authority that signed it, then start again.";
const proxyNext =
  "Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY: this address may be meant to be reached without a proxy.";

/** What is wrong with the network, read from an error and its causes; null for an error of another kind. */
export function networkCause(error: unknown): NetworkCause | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const found = causeOf(at);
    if (found) return found;
    // Node tries every address of a name, and throws one error for all of them.
    if (at instanceof AggregateError) return networkCause(at.errors[0]);
  }
  return null;
}

function causeOf(error: Error): NetworkCause | null {
  const proxyStatus = /Proxy response \((\d{3})\)|Proxy Authentication Required \((407)\)/.exec(error.message);
  if (proxyStatus) return proxyRefusal(Number(proxyStatus[1] ?? proxyStatus[2]));
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  const row = rows.find(([pattern]) => pattern.test(code));
  return row ? { kind: row[1], detail: `${row[2]} (${code})`, next: row[3] ?? null } : null;
}

/** A proxy that answered in place of the far end. */
export function proxyRefusal(status: number): NetworkCause {
  const asks = "The proxy wants a user and a password: write them into its address, http://user:password@host:port.";
  return {
    kind: "proxy",
    detail: `the proxy answered ${status}`,
    next: status === 407 ? asks : proxyNext,
  };
}

type Row = [codes: RegExp, kind: NetworkCause["kind"], words: string, next?: string];
const rows: Row[] = [
  [/^ECONNREFUSED$/, "refused", "the connection was refused"],
  [/^(ENOTFOUND|EAI_AGAIN)$/, "unknown_host", "the name was not found"],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, "unreachable", "there is no route to it"],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|TimeoutError)$/, "timeout", "it did not answer in time"],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_UNTRUSTED|INVALID_CA)/, "certificate",
    "its certificate is not trusted", certificateNext,
  ],
  [/^(CERT_|ERR_TLS_CERT)/, "certificate", "its certificate is not valid for it"],
  [/^UND_ERR_PRX|^ERR_PROXY/, "proxy", "the proxy closed the connection", proxyNext],
  [/^(ERR_SSL_|EPROTO)/, "certificate", "it does not speak TLS as expected"],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET|HPE_)/, "broken", "the connection broke off"],
]; // prettier-ignore
