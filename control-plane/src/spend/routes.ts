import { reserveAnswer, reserveRequest, settleAnswer, settleRequest } from "@feedback-chat/protocol/worker";
import type { AppDeps } from "../app-deps.ts";
import { leaseLost } from "../jobs/lease-fence.ts";
import { route } from "../platform/route.ts";
import { reserveSpend } from "./reserve-spend.ts";
import { settleSpend } from "./settle-spend.ts";

const of = { jobId: "job" } as const;

export const routes = [
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/spend/reserve", who: "lease", of, body: reserveRequest, answer: reserveAnswer,
    problems: ["lease_lost", "budget_exceeded"],
    handle: async ({ deps, lease, body }) => {
      if (!lease) throw leaseLost();
      return reserveSpend(deps, lease, body);
    },
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/spend/settle", who: "lease", of, body: settleRequest, answer: settleAnswer,
    problems: ["lease_lost"],
    handle: async ({ deps, lease, body }) => {
      if (!lease) throw leaseLost();
      return settleSpend(deps, lease, body);
    },
  }),
]; // prettier-ignore
