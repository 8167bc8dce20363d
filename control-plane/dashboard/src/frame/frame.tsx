import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { api } from "../api.ts";

/** What stands around every page of somebody who is logged in. */
export function Frame() {
  const { data: me } = useQuery({ queryKey: ["me"], queryFn: api.me });
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <Link to="/projects" className="brand">
          feedback-chat
        </Link>
        <nav aria-label="Main">
          <Link to="/projects" activeProps={{ "aria-current": "page" }}>
            Projects
          </Link>
        </nav>
        <span className="who">{me?.user.login}</span>
        <SignOut />
      </header>
      <main id="main">
        <Outlet />
      </main>
    </>
  );
}

function SignOut() {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  async function signOut() {
    await api.signOut();
    queryClient.clear();
    await navigate({ to: "/login" });
  }
  return (
    <button type="button" className="quiet" onClick={() => void signOut()}>
      Sign out
    </button>
  );
}
