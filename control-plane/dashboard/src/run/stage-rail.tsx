import type { RunEventEntry } from "@feedback-chat/protocol/run";
import type { Stage } from "@feedback-chat/protocol/run-machine";
import { showDuration } from "../frame/show-figures.ts";
import { stageWord } from "../frame/stage-badge.tsx";

const way: readonly Stage[] = ["created", "queued", "running", "validating", "preview_ready", "deployed"];

type Props = { stage: Stage; timeline: readonly RunEventEntry[] };

/** The way of a run with the time that it spent at each station. `failed` and `rejected` end it where it stopped. */
export function StageRail({ stage, timeline }: Props) {
  const spent = timeIn(timeline);
  const isOver = stage === "failed" || stage === "rejected";
  const reached = isOver ? Math.max(...timeline.map((entry) => way.indexOf(entry.fromStage)), 0) : way.indexOf(stage);
  const stations = isOver ? [...way.slice(0, reached + 1), stage] : way;
  return (
    <ol className="rail" aria-label="Stages">
      {stations.map((station, index) => {
        const isHere = station === stage;
        return (
          <li key={station} className={isHere ? `here ${stage}` : index < reached || isOver ? "past" : "ahead"} aria-current={isHere ? "step" : undefined}>
            <span>{stageWord(station)}</span>
            {spent.has(station) && <span className="faint">{showDuration(spent.get(station) ?? 0)}</span>}
          </li>
        );
      })}
    </ol>
  ); // prettier-ignore
}

/** From the events' times, never from this machine's clock. */
function timeIn(timeline: readonly RunEventEntry[]): Map<Stage, number> {
  const spent = new Map<Stage, number>();
  timeline.forEach((entry, index) => {
    const before = timeline[index - 1];
    if (!before) return;
    const ms = Date.parse(entry.at) - Date.parse(before.at);
    spent.set(entry.fromStage, (spent.get(entry.fromStage) ?? 0) + ms);
  });
  return spent;
}
