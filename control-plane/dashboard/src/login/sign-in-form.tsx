import { useMutation } from "@tanstack/react-query";
import { ProblemCard } from "../frame/problem-card.tsx";
import { Field, textOf } from "./field.tsx";
import { OtherWays } from "./other-ways.tsx";

type Account = { email: string; password: string };

export function SignInForm({ onSubmit }: { onSubmit: (account: Account) => Promise<void> }) {
  const signIn = useMutation({ mutationFn: onSubmit });
  return (
    <form
      className="card"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        signIn.mutate({ email: textOf(form, "email"), password: textOf(form, "password") });
      }}
    >
      <h2>Sign in</h2>
      <Field label="E-mail" name="email" type="email" autoComplete="username" />
      <Field label="Password" name="password" type="password" autoComplete="current-password" />
      <button type="submit" className="primary" disabled={signIn.isPending}>
        {signIn.isPending ? "Signing in…" : "Sign in"}
      </button>
      <OtherWays />
      {signIn.error && <ProblemCard error={signIn.error} />}
    </form>
  );
}
