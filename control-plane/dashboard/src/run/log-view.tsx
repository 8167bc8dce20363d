import type { LogLine } from "@feedback-chat/protocol/run";
import { useEffect, useRef } from "react";
import { showClock } from "../frame/show-figures.ts";

/** The log as it comes. It follows the end while one is at the end. */
export function LogView({ lines, isLive }: { lines: readonly LogLine[]; isLive: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <section aria-labelledby="log">
      <h2 id="log">Log</h2>
      {!isLive && <p className="faint">Reconnecting…</p>}
      {lines.length === 0 ? (
        <p className="faint">No line yet.</p>
      ) : (
        // Focusable, so that it can be scrolled without a mouse.
        <div
          className="log"
          ref={box}
          role="log"
          aria-label="Log lines"
          tabIndex={0}
          onScroll={({ currentTarget: it }) => {
            isAtEnd.current = it.scrollHeight - it.scrollTop - it.clientHeight < 24;
          }}
        >
          {lines.map((line) => (
            <div key={line.seq} className={`line ${line.level}`}>
              <time dateTime={line.at}>{showClock(line.at)}</time>
              <span>{line.message}</span>
            </div>
          ))}
        </div>
      )}
    </section>
  );
}
