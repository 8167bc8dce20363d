import { Problem } from "@feedback-chat/protocol/problem";

/**
 * The value of a flag that counts.
 * @throws Problem usage, naming flag and bounds.
 */
export function wholeNumber(flag: string, text: string, [least, most]: readonly [number, number]): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Problem("usage", `${flag} is a whole number from ${least} to ${most}, not "${text}".`);
}
