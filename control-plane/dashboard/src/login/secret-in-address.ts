/** Addresses that we print or mail carry their secret in the fragment, which no log ever sees. */
export function secretInAddress(name: "code" | "token"): string {
  return new URLSearchParams(location.hash.slice(1)).get(name) ?? "";
}
