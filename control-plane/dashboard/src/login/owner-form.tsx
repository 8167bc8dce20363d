import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { Field, textOf } from "./field.tsx";
import { secretInAddress } from "./secret-in-address.ts";

type Account = { email: string; password: string };

export function OwnerForm({ onDone }: { onDone: (account: Account) => Promise<void> }) {
  const [code] = useState(() => secretInAddress("code"));
  const setUp = useMutation({
    async mutationFn(owner: Account & { code: string; name: string }) {
      await api.setUpOwner(owner);
      history.replaceState(null, "", location.pathname);
      await onDone({ email: owner.email, password: owner.password });
    },
  });
  return (
    <form
      className="card"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        setUp.mutate({
          code: textOf(form, "code").trim(), name: textOf(form, "name"),
          email: textOf(form, "email"), password: textOf(form, "password"),
        }); // prettier-ignore
      }}
    >
      <h2>Create the owner</h2>
      <p>This server is new. Whoever has its one-time code becomes its owner.</p>
      <Field label="One-time code" name="code" defaultValue={code} autoComplete="off" spellCheck={false}
        hint="The server printed it at its start; it is also in the file owner-code of its data folder." />
      <Field label="Your name" name="name" autoComplete="name" />
      <Field label="E-mail" name="email" type="email" autoComplete="username" />
      <Field label="Password" name="password" type="password" minLength={10} autoComplete="new-password" hint="At least 10 characters." />
      <button type="submit" className="primary" disabled={setUp.isPending}>
        {setUp.isPending ? "Creating…" : "Create the owner"}
      </button>
      {setUp.error && <ProblemCard error={setUp.error} />}
    </form>
  ); // prettier-ignore
}
