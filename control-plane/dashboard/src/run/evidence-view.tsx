import type { CheckResult, Evidence } from "@feedback-chat/protocol/evidence";
import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { showDuration } from "../frame/show-figures.ts";

type Side = NonNullable<CheckResult["base"]>;

/** What was done, checked and flagged: what a person decides by. */
export function EvidenceView({ runId }: { runId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["artifact", runId, "evidence.json"],
    queryFn: async () => JSON.parse(await api.artifact(runId, "evidence.json")) as Evidence,
  });
  return (
    <section aria-labelledby="evidence">
      <h2 id="evidence">Evidence</h2>
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {data && (
        <>
          <p className="summary">{data.done.summary}</p>
          <Flags flagged={data.flagged} />
          <Checks checked={data.checked} />
          <ul className="plain">
            {data.done.files.map((file) => (
              <li key={file.path}>
                <code>{file.path}</code> {file.change}, +{file.addedLines} −{file.removedLines}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Flags({ flagged }: { flagged: Evidence["flagged"] }) {
  if (flagged.length === 0) return null;
  return (
    <ul className="plain">
      {flagged.map((flag) => (
        <li key={`${flag.code} ${flag.path} ${flag.line}`}>
          <strong>{flag.level}</strong> <code>{flag.path}</code> {flag.detail}
        </li>
      ))}
    </ul>
  );
}

function Checks({ checked }: { checked: Evidence["checked"] }) {
  if (checked.checks.length === 0) return <p>No check ran. {checked.note}</p>;
  return (
    <>
      <table>
        <caption>Checks, before and after the change</caption>
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {checked.checks.map((check) => (
            <tr key={check.name}>
              <th scope="row">
                {check.name}
                <br />
                <code>{check.command.join(" ")}</code>
              </th>
              <td>{check.base ? outcomeOf(check.base) : "–"}</td>
              <td>{outcomeOf(check.head)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {checked.note && <p>{checked.note}</p>}
    </>
  );
}

function outcomeOf({ outcome, durationMs }: Side): string {
  return `${outcome.replaceAll("_", " ")}, ${showDuration(durationMs)}`;
}
