import { idSchema, uuidOf } from "@feedback-chat/protocol/ids";
import type { AppDeps } from "../app-deps.ts";
import { readBytes } from "../platform/mount-routes.ts";
import { route } from "../platform/route.ts";
import { receiveDelivery } from "./receive-delivery.ts";

const maxDeliveryBytes = 3 * 1024 * 1024;

export const routes = [
  // Without `of`: an unknown project gets the answer of a wrong signature, not the 404 of an unknown id.
  route<AppDeps>()({
    method: "post",
    path: "/api/webhook/:projectId",
    who: "github",
    problems: ["bad_signature", "bad_payload", "payload_too_large", "unavailable"],
    async handle({ deps, c }) {
      const id = c.req.param("projectId") ?? "";
      const projectId = idSchema("prj").safeParse(id).success ? uuidOf("prj", id) : null;
      const bytes = await readBytes(c, maxDeliveryBytes);
      const header = (name: string) => c.req.header(name);
      const answer = await receiveDelivery(deps, { projectId, bytes, header });
      return c.json(answer, answer.status === "queued" ? 202 : 200);
    },
  }),
];
