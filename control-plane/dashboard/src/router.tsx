import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, redirect } from "@tanstack/react-router";
import { api, ApiError } from "./api.ts";
import { Frame } from "./frame/frame.tsx";
import { NotFound } from "./frame/not-found.tsx";
import { ProblemCard } from "./frame/problem-card.tsx";
import { DevicePage } from "./login/device-page.tsx";
import { InvitePage } from "./login/invite-page.tsx";
import { LoginPage } from "./login/login-page.tsx";
import { ProjectsPage } from "./projects/projects-page.tsx";
import { RunPage } from "./run/run-page.tsx";
import { RunsPage } from "./runs/runs-page.tsx";

type Context = { queryClient: QueryClient };

const root = createRootRouteWithContext<Context>()({ notFoundComponent: NotFound });

/** Where one comes back to after the login: a path of ours, never another origin. */
const loginSearch = (search: Record<string, unknown>): { back?: string; error?: string } => {
  const { back, error } = search;
  return {
    ...(typeof back === "string" && /^\/(?![/\\])/.test(back) ? { back } : {}),
    ...(typeof error === "string" ? { error } : {}),
  };
};

const login = createRoute({
  getParentRoute: () => root, path: "/login", component: LoginPage, validateSearch: loginSearch,
}); // prettier-ignore

const invite = createRoute({ getParentRoute: () => root, path: "/invite", component: InvitePage });

/** All pages for which one is logged in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  component: Frame,
  errorComponent: ({ error }) => <ProblemCard error={error as Error} />,
  async beforeLoad({ context, location }) {
    try {
      return {
        me: await context.queryClient.ensureQueryData({ queryKey: ["me"], queryFn: api.me }),
      };
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        // oxlint-disable-next-line typescript/only-throw-error -- the router's own way to redirect
        throw redirect({
          to: "/login",
          search: location.pathname === "/" ? {} : { back: location.pathname },
        });
      throw error;
    }
  },
});

const home = createRoute({
  getParentRoute: () => signedIn,
  path: "/",
  beforeLoad() {
    // oxlint-disable-next-line typescript/only-throw-error -- the router's own way to redirect
    throw redirect({ to: "/projects" });
  },
});
const projects = createRoute({
  getParentRoute: () => signedIn,
  path: "/projects",
  component: ProjectsPage,
});
const runs = createRoute({
  getParentRoute: () => signedIn,
  path: "/projects/$projectId",
  component: RunsPage,
});
const run = createRoute({
  getParentRoute: () => signedIn, path: "/projects/$projectId/runs/$runId", component: RunPage,
}); // prettier-ignore

const device = createRoute({ getParentRoute: () => signedIn, path: "/device", component: DevicePage });

const tree = root.addChildren([login, invite, signedIn.addChildren([home, projects, runs, run, device])]);

export function makeRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultNotFoundComponent: NotFound,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
