import { Problem } from "@feedback-chat/protocol/problem";

/**
 * Postgres stores neither NUL nor half of a surrogate pair: text with them is refused where it comes in, whatever it
 * is for. `value` is what came out of JSON or of an address, nested as deep as its sender liked: hence no recursion.
 * @throws Problem validation_failed
 */
export function refuseOddText(value: unknown, where: "body" | "address"): void {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one === "string") {
      if (!one.includes("\0") && one.isWellFormed()) continue;
      throw new Problem("validation_failed", `The ${where} has text with a NUL, or with half of a surrogate pair.`, {
        next: "Send text that is valid Unicode, without NUL characters.",
      });
    }
    if (Array.isArray(one)) for (const item of one) left.push(item);
    else if (typeof one === "object" && one !== null)
      for (const [name, item] of Object.entries(one)) left.push(name, item);
  }
}
