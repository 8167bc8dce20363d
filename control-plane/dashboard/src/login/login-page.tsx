import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { OwnerForm } from "./owner-form.tsx";
import { SignInForm } from "./sign-in-form.tsx";

const here = getRouteApi("/login");

/** The login; on an instance without an owner, the form for the one-time code. */
export function LoginPage() {
  const setup = useQuery({ queryKey: ["setup"], queryFn: api.setup });
  const { back = "/projects" } = here.useSearch();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  async function enter(account: { email: string; password: string }) {
    await api.signIn(account);
    queryClient.clear();
    await navigate({ to: back });
  }
  return (
    <main className="narrow">
      <h1>feedback-chat</h1>
      {setup.error && <ProblemCard error={setup.error} onRetry={() => void setup.refetch()} />}
      {setup.data && (setup.data.needsOwner ? <OwnerForm onDone={enter} /> : <SignInForm onSubmit={enter} />)}
    </main>
  );
}
