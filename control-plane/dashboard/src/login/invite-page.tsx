import { useNavigate } from "@tanstack/react-router";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api.ts";
import { LinkCard } from "./link-card.tsx";
import { secretInAddress } from "./secret-in-address.ts";

/** Open to all: who has no session is told so by the server, and comes back by the same link. */
export function InvitePage() {
  const [token] = useState(() => secretInAddress("token"));
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  async function accept() {
    await api.acceptInvite(token);
    queryClient.clear();
    await navigate({ to: "/projects" });
  }
  return (
    <main className="narrow">
      <LinkCard heading="You are invited to a workspace" label="Accept" onFollow={accept}>
        <p>
          First <a href="/login">sign in</a> with the address that the invite was sent to. Without an account, let a
          link be sent to it there. Then follow the invite&apos;s link again.
        </p>
      </LinkCard>
    </main>
  );
}
