import { createMemberAnswer, createMemberRequest, workspacePage } from "@feedback-chat/protocol/account";
import { me } from "@feedback-chat/protocol/project";
import type { AppDeps } from "../app-deps.ts";
import { route } from "../platform/route.ts";
import type { Sessions } from "../sessions/open-sessions.ts";
import { createMember } from "./create-member.ts";
import { readMe } from "./read-me.ts";

type Deps = Pick<AppDeps, "db" | "newId"> & { sessions: Sessions };

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/me", who: "user", answer: me,
    handle: ({ deps, caller }) => readMe(deps, caller),
  }),
  route<Deps>()({
    method: "get", path: "/v1/workspaces", who: "user", answer: workspacePage,
    handle: async ({ deps, caller }) => ({ items: (await readMe(deps, caller)).workspaces, nextCursor: null }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/workspaces/:workspaceId/members", who: "admin", of: { workspaceId: "workspace" },
    body: createMemberRequest, answer: createMemberAnswer, status: 201, isCreating: true, hasSecrets: true,
    problems: ["name_taken", "forbidden"],
    handle: ({ deps, caller, ids, body }) =>
      createMember(deps, { caller, workspaceId: ids["workspaceId"] ?? "", wanted: body }),
  }),
]; // prettier-ignore
