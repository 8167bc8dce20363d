import { useQuery } from "@tanstack/react-query";
import { spellOut } from "@feedback-chat/protocol/spell-out";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";

/** As much of a diff as a page shows at once; the whole is a download away. */
const maxLines = 3_000;

/** The diff as text: every line is a text node, and nothing in it is hidden, whatever a reporter or a model wrote. */
export function Changes({ runId }: { runId: string }) {
  const diff = useQuery({
    queryKey: ["artifact", runId, "diff.patch"],
    queryFn: () => api.artifact(runId, "diff.patch"),
  });
  const lines = spellOut(diff.data ?? "")
    .replace(/\n$/, "")
    .split("\n");
  return (
    <section aria-labelledby="changes">
      <h2 id="changes">Changes</h2>
      {diff.error && <ProblemCard error={diff.error} onRetry={() => void diff.refetch()} />}
      <pre className="diff" tabIndex={0} aria-label="Diff">
        {lines.slice(0, maxLines).map((line, index) => (
          <span key={index} className={kindOf(line)}>
            {`${line}\n`}
          </span>
        ))}
      </pre>
      <p>
        <a href={`/v1/runs/${runId}/artifacts/diff.patch`} download>
          Download the diff
        </a>
        {lines.length > maxLines && ` (${lines.length - maxLines} more lines)`}
      </p>
    </section>
  );
}

function kindOf(line: string): string {
  if (/^(diff |index |--- |\+\+\+ )/.test(line)) return "file";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "";
}
