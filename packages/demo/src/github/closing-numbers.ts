/** The issues of this repository that GitHub closes for `Closes #1`, `fixes owner/name#2`, `Resolved: #3`. */
export function closingNumbers(body: string, fullName: string): number[] {
  const words = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+\/[\w.-]+))?#(\d+)\b/gi;
  const own = [...body.matchAll(words)].filter(([, other]) => !other || other.toLowerCase() === fullName.toLowerCase());
  return [...new Set(own.map(([, , number]) => Number(number)))];
}
