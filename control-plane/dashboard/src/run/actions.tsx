import type { RunDetail } from "@feedback-chat/protocol/run";
import type { Action } from "@feedback-chat/protocol/run-machine";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";

type Act = { label: string; effect: string; asksFor: string | null };

const acts: Record<Action, Act> = {
  approve: { label: "Approve", effect: "Lets the change through: it becomes, or stays, a pull request.", asksFor: null },
  retry: { label: "Retry", effect: "Starts a new run of this issue.", asksFor: null },
  answer: { label: "Answer", effect: "The run goes on with your answer.", asksFor: "Your answer" },
  request_changes: { label: "Request changes", effect: "The agent works on the same branch again, with your text.", asksFor: "What should be different" },
  cancel: { label: "Cancel", effect: "Stops the run. Nothing is published.", asksFor: null },
  reject: { label: "Reject", effect: "Ends the run and closes its pull request and issue.", asksFor: null },
}; // prettier-ignore
const order: readonly Action[] = ["approve", "answer", "retry", "request_changes", "cancel", "reject"];

/** What the state allows. Each says its effect before it happens; the server decides again. */
export function Actions({ run, onDone }: { run: RunDetail; onDone: () => void }) {
  const [chosen, setChosen] = useState<Action | null>(null);
  const [comment, setComment] = useState("");
  const act = useMutation({
    mutationFn: (action: Action) =>
      api.act(run.projectId, run.id, {
        action, expectedStage: run.stage, ...(comment.trim() ? { comment: comment.trim() } : {}),
      }), // prettier-ignore
    onSuccess: () => {
      setChosen(null);
      setComment("");
    },
    onSettled: onDone,
  });
  const allowed = order.filter((action) => run.allowedActions.includes(action));
  if (allowed.length === 0) return null;
  const open = chosen && allowed.includes(chosen) ? acts[chosen] : undefined;
  return (
    <section className="card" aria-label="Actions">
      <p className="buttons">
        {allowed.map((action, index) => (
          <button
            key={action}
            type="button"
            className={index === 0 ? "primary" : ""}
            aria-expanded={chosen === action}
            onClick={() => setChosen(chosen === action ? null : action)}
          >
            {acts[action].label}
          </button>
        ))}
      </p>
      {chosen && open && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            act.mutate(chosen);
          }}
        >
          <p>{open.effect}</p>
          <p className="field">
            <label htmlFor="comment">{open.asksFor ?? "A word about it (optional)"}</label>
            <textarea id="comment" rows={3} maxLength={8000} required={open.asksFor !== null} value={comment} onChange={(event) => setComment(event.target.value)} />
          </p>
          <button type="submit" className="primary" disabled={act.isPending}>
            {act.isPending ? "One moment…" : `${open.label} this run`}
          </button>
        </form>
      )}
      {act.error && <ProblemCard error={act.error} />}
    </section>
  ); // prettier-ignore
}
