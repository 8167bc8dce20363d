import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ProblemCard } from "../frame/problem-card.tsx";

type Props = { heading: string; label: string; children: ReactNode; onFollow: () => Promise<unknown> };

/** What a mailed link does is done by a person's click: programs that look at mails follow links too. */
export function LinkCard({ heading, label, children, onFollow }: Props) {
  const follow = useMutation({ mutationFn: onFollow });
  return (
    <section className="card">
      <h2>{heading}</h2>
      {children}
      <button type="button" className="primary" disabled={follow.isPending} onClick={() => follow.mutate()}>
        {label}
      </button>
      {follow.error && <ProblemCard error={follow.error} />}
    </section>
  );
}
