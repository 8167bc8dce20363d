import { type Healthz, healthz } from "@feedback-chat/protocol/healthz";
import { route } from "../platform/route.ts";

type Deps = { health: () => Promise<Healthz> };

export const routes = [
  route<Deps>()({
    method: "get", path: "/api/healthz", who: "anyone", isUnlimited: true, answer: healthz,
    handle: async ({ deps, c }) => {
      const answer = await deps.health();
      const { database, masterKey, queue } = answer.deps;
      return c.json(answer, database && masterKey && queue ? 200 : 503);
    },
  }),
]; // prettier-ignore
