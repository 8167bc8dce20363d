import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { Field, textOf } from "./field.tsx";
import { secretInAddress } from "./secret-in-address.ts";

/** Lets a command line in by the code that it shows: first what it is, then the decision. */
export function DevicePage() {
  const [inAddress] = useState(() => secretInAddress("code"));
  const look = useMutation({
    mutationFn: async (userCode: string) => ({ userCode, ...(await api.lookAtDevice(userCode)) }),
  });
  const decide = useMutation({
    async mutationFn(decision: "approved" | "denied") {
      await api.decideDevice(look.data?.userCode ?? "", decision);
      return decision;
    },
  });
  if (decide.data)
    return <p role="status">{decide.data === "approved" ? "Let in. Go on in your terminal." : "Sent away."}</p>;
  return (
    <form
      className="card"
      onSubmit={(event) => {
        event.preventDefault();
        look.mutate(textOf(new FormData(event.currentTarget), "code"));
      }}
    >
      <h2>Let a command line in</h2>
      <Field label="Code" name="code" defaultValue={inAddress} autoComplete="off" spellCheck={false}
        hint="As your terminal shows it. Nobody else should have sent it to you." />
      <button type="submit">Look</button>
      {look.data && (
        <>
          <p>
            <strong>{look.data.machine}</strong>, from {look.data.address}, will act with your rights.
          </p>
          <button type="button" className="primary" disabled={decide.isPending} onClick={() => decide.mutate("approved")}>
            Let it in
          </button>
          <button type="button" disabled={decide.isPending} onClick={() => decide.mutate("denied")}>
            Send it away
          </button>
        </>
      )}
      {look.error && <ProblemCard error={look.error} />}
      {decide.error && <ProblemCard error={decide.error} />}
    </form>
  ); // prettier-ignore
}
