/** A rule of GitHub's rulesets, as far as it can refuse a push of ours. */
export type BranchRule = { type: string; parameters?: unknown };
type Pattern = { operator?: string; pattern?: string; negate?: boolean };
type Push = { branch: string; message: string; email: string };

const plain: Record<string, string> = {
  required_signatures: "commits have to be signed, and a run's are not",
  creation: "nobody may create such a branch",
  update: "nobody may update such a branch",
  required_status_checks: "checks have to pass before a push",
  required_deployments: "deployments have to succeed before a push",
};

/** Why the rules of a branch would refuse the push of a run, each in a sentence; none when nothing is known against it. */
export function refusalsOf(rules: readonly BranchRule[], { branch, message, email }: Push): string[] {
  const texts: Record<string, [what: string, text: string]> = {
    branch_name_pattern: ["the branch's name", branch],
    commit_message_pattern: ["the commit's message", message],
    commit_author_email_pattern: ["the author's address", email],
    committer_email_pattern: ["the committer's address", email],
  };
  return rules.flatMap(({ type, parameters }) => {
    const said = plain[type];
    if (said) return [said];
    const [what, text] = texts[type] ?? [];
    return what && text ? mismatchOf(what, text, (parameters ?? {}) as Pattern) : [];
  });
}

/** A regular expression is somebody else's: it is told and not run, since it could hold up the server. */
function mismatchOf(what: string, text: string, { operator = "", pattern = "", negate = false }: Pattern): string[] {
  const words = `${what} ${negate ? "must not" : "has to"} ${wordOf[operator] ?? "match"} "${pattern}"`;
  const fits = fitsOf(operator, text, pattern);
  if (fits === null) return [`${words}; it will be "${text}"`];
  return fits === negate ? [`${words}, and will be "${text}"`] : [];
}

const wordOf: Record<string, string> = { starts_with: "start with", ends_with: "end with", contains: "contain" };

function fitsOf(operator: string, text: string, pattern: string): boolean | null {
  if (operator === "starts_with") return text.startsWith(pattern);
  if (operator === "ends_with") return text.endsWith(pattern);
  return operator === "contains" ? text.includes(pattern) : null;
}
