import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useLocation, useNavigate } from "@tanstack/react-router";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { LinkCard } from "./link-card.tsx";
import { OwnerForm } from "./owner-form.tsx";
import { SignInForm } from "./sign-in-form.tsx";

const here = getRouteApi("/login");

/** The login; on an instance without an owner, the form for the one-time code. */
export function LoginPage() {
  const setup = useQuery({ queryKey: ["setup"], queryFn: api.setup });
  const { back = "/projects", error } = here.useSearch();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  // From the router, not once: a link that is opened in this very tab changes the fragment alone.
  const said = new URLSearchParams(useLocation({ select: ({ hash }) => hash }));
  const [link, proof] = [said.get("link"), said.get("verify")];
  const forgetLink = () => navigate({ to: "/login", hash: "", replace: true });
  async function enter(signIn: () => Promise<unknown>) {
    await signIn();
    queryClient.clear();
    await navigate({ to: back });
  }
  const withPassword = (account: { email: string; password: string }) => enter(() => api.signIn(account));
  async function prove() {
    await api.proveAddress(proof ?? "");
    await forgetLink();
  }
  if (link)
    return (
      <main className="narrow">
        <LinkCard heading="Sign in by your link" label="Continue" onFollow={() => enter(() => api.openLink(link))}>
          <p>It works once.</p>
        </LinkCard>
        <button type="button" onClick={() => void forgetLink()}>
          Another way
        </button>
      </main>
    );
  if (proof)
    return (
      <main className="narrow">
        <LinkCard heading="Confirm your e-mail address" label="Confirm" onFollow={prove}>
          <p>Then sign in with your password.</p>
        </LinkCard>
      </main>
    );
  return (
    <main className="narrow">
      <h1>feedback-chat</h1>
      {setup.error && <ProblemCard error={setup.error} onRetry={() => void setup.refetch()} />}
      {error && <p role="alert">You could not be signed in. Ask an admin for an invite, or try another way.</p>}
      {setup.data &&
        (setup.data.needsOwner ? <OwnerForm onDone={withPassword} /> : <SignInForm onSubmit={withPassword} />)}
    </main>
  );
}
