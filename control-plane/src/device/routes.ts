import {
  deviceCodeAnswer,
  deviceCodeRequest,
  deviceDecideRequest,
  deviceLookAnswer,
  deviceLookRequest,
  deviceTokenRequest,
} from "@feedback-chat/protocol/device";
import { createdKey } from "@feedback-chat/protocol/project";
import type { Context } from "hono";
import type { AppDeps } from "../app-deps.ts";
import { route } from "../platform/route.ts";
import { senderAddress } from "../platform/sender-address.ts";
import { decideDevice, lookAtDevice } from "./decide-device.ts";
import { startDevice } from "./start-device.ts";
import { takeDeviceToken } from "./take-device-token.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
const hasSession = (c: Context) => !c.req.header("authorization");

export const routes = [
  route<Deps>()({
    method: "post", path: "/api/auth/device/code", who: "anyone", body: deviceCodeRequest, answer: deviceCodeAnswer,
    handle: ({ deps, body, c }) => startDevice(deps, { machine: body.machine, address: senderAddress(c) }),
  }),
  route<Deps>()({
    method: "post", path: "/api/auth/device/token", who: "anyone", body: deviceTokenRequest, answer: createdKey,
    problems: ["authorization_pending", "forbidden", "not_found"],
    handle: ({ deps, body }) => takeDeviceToken(deps, body.deviceCode),
  }),
  route<Deps>()({
    method: "post", path: "/v1/device/look", who: "user", body: deviceLookRequest, answer: deviceLookAnswer,
    handle: ({ deps, caller, body, c }) => lookAtDevice(deps, { caller, hasSession: hasSession(c), userCode: body.userCode }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/device/decide", who: "user", body: deviceDecideRequest, status: 204,
    handle: ({ deps, caller, body, c }) => decideDevice(deps, { caller, hasSession: hasSession(c), ...body }),
  }),
]; // prettier-ignore
