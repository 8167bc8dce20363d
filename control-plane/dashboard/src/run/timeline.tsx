import type { RunEventEntry } from "@feedback-chat/protocol/run";
import { showClock } from "../frame/show-figures.ts";
import { stageWord } from "../frame/stage-badge.tsx";

export function Timeline({ timeline }: { timeline: readonly RunEventEntry[] }) {
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Events</h2>
      <ol className="timeline">
        {timeline.map((entry) => (
          <li key={entry.seq}>
            <time dateTime={entry.at}>{showClock(entry.at)}</time>
            <strong>{entry.event.replaceAll("_", " ")}</strong>
            <span>
              {stageWord(entry.stage)}
              {entry.phase && ` · ${entry.phase}`}
            </span>
            <span className="faint">{[entry.reason, entry.detail].filter(Boolean).join(": ")}</span>
            <span className="faint">{entry.actor.login ?? entry.actor.kind}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
