import { debugAnswer } from "@feedback-chat/protocol/operating";
import type { AppDeps } from "../app-deps.ts";
import { route } from "../platform/route.ts";
import type { Sessions } from "../sessions/open-sessions.ts";
import { readDebug } from "./read-debug.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "config" | "newId"> & { sessions: Pick<Sessions, "sessionOf"> };

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/debug", who: "operator", answer: debugAnswer,
    handle: ({ deps }) => readDebug(deps),
  }),
]; // prettier-ignore
