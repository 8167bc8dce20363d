import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import { routes } from "../../src/app.ts";
import { expectAnswer } from "./expect-answer.ts";
import { fuzzRuns } from "./fuzz-runs.ts";
import { type FuzzScene, type FuzzTenant, openFuzzScene } from "./open-fuzz-scene.ts";
import { requestOf } from "./request-of.ts";
import { sendRaw } from "./send-raw.ts";

let scene: FuzzScene;
/** Who only looks uses nothing up. */
let reader: FuzzTenant | undefined;
beforeAll(async () => {
  scene = await openFuzzScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

describe("fuzzed input, by a caller who may", () => {
  it.for(routes.map((spec) => ({ name: `${spec.method} ${spec.path}`, spec })))(
    "$name answers with a problem of ours or does it, and never breaks",
    { timeout: 600_000 },
    async ({ spec }) => {
      const tenant = spec.method === "get" ? (reader ??= await scene.tenant()) : await scene.tenant();
      const one = fc.asyncProperty(requestOf(spec, tenant), async (request) => {
        expectAnswer(scene, request, await sendRaw(scene.port, request), spec.isPage);
      });
      await fc.assert(one, fuzzRuns(12));
    },
  );
});
