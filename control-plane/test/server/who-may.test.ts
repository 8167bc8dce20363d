import { expect, it } from "vitest";
import { routes } from "../../src/app.ts";

/**
 * Who may do what, written from the contract by hand and not from the code. – anyone, G a signature of GitHub's, W a
 * worker key, L that and a live lease, R a reporter's link, u any person, v m a o the least role (viewer, member,
 * admin, owner), p the operator; `K…` a project key with that scope.
 */
const contract = `
GET /api/healthz -
GET /api/openapi.json -
GET /metrics p

GET /api/setup -
POST /api/setup/owner -
GET /api/auth/ways -
POST /api/auth/device/code -
POST /api/auth/device/token -
POST /v1/device/look u
POST /v1/device/decide u
GET /v1/cli-tokens u
POST /v1/cli-tokens u
DELETE /v1/cli-tokens/:keyId u
GET /v1/me u

GET /v1/workspaces u
POST /v1/workspaces u
GET /v1/workspaces/:workspaceId v
PATCH /v1/workspaces/:workspaceId a
DELETE /v1/workspaces/:workspaceId o
GET /v1/workspaces/:workspaceId/members v
POST /v1/workspaces/:workspaceId/members a
PATCH /v1/workspaces/:workspaceId/members/:userId a
DELETE /v1/workspaces/:workspaceId/members/:userId a
GET /v1/workspaces/:workspaceId/invites a
POST /v1/workspaces/:workspaceId/invites a
DELETE /v1/workspaces/:workspaceId/invites/:inviteId a
POST /v1/invites/accept u
GET /v1/workspaces/:workspaceId/audit a
GET /v1/workspaces/:workspaceId/runs v
GET /v1/workspaces/:workspaceId/events v
GET /v1/workspaces/:workspaceId/operations a
GET /v1/workspaces/:workspaceId/worker-keys a
POST /v1/workspaces/:workspaceId/worker-keys a
GET /v1/workspaces/:workspaceId/workers v
POST /v1/workers/:workerId/drain a
DELETE /v1/workers/:workerId a

GET /v1/projects u
POST /v1/projects u
GET /v1/projects/:projectId v
PATCH /v1/projects/:projectId a
DELETE /v1/projects/:projectId a
PUT /v1/projects/:projectId/plan p
GET /v1/projects/:projectId/usage v
GET /v1/projects/:projectId/check v Kstatus:read Kruns:read Kfeedback:write Kruns:act
GET /v1/projects/:projectId/export a
GET /v1/projects/:projectId/keys a
POST /v1/projects/:projectId/keys a
POST /v1/keys/:keyId/rotate a
DELETE /v1/keys/:keyId a
POST /v1/projects/:projectId/webhook-secret/rotate a
GET /v1/projects/:projectId/credentials a
POST /v1/projects/:projectId/credentials a
POST /v1/credentials/:credentialId/test a
DELETE /v1/credentials/:credentialId a
GET /v1/projects/:projectId/endpoints a
POST /v1/projects/:projectId/endpoints a
GET /v1/projects/:projectId/endpoints/:endpointId a
PATCH /v1/projects/:projectId/endpoints/:endpointId a
DELETE /v1/projects/:projectId/endpoints/:endpointId a
POST /v1/projects/:projectId/endpoints/:endpointId/rotate a
GET /v1/projects/:projectId/endpoints/:endpointId/deliveries a
POST /v1/projects/:projectId/endpoints/:endpointId/redeliver a
GET /v1/projects/:projectId/github v
DELETE /v1/projects/:projectId/github a

POST /api/webhook/:projectId G
POST /api/github/webhook G
GET /api/github/manifest p
GET /api/github/connect/:projectId a
GET /api/github/setup u
GET /api/github/callback u
GET /v1/projects/:projectId/webhook-events v
POST /v1/webhook-events/:eventId/replay m
POST /v1/projects/:projectId/reconcile m

GET /api/agent/:projectId/health Kstatus:read
GET /api/runs/:projectId v Kruns:read
POST /api/runs/:projectId/:runId/action m Kruns:act
GET /v1/runs/:runId v Kruns:read
GET /v1/runs/:runId/events v Kruns:read
GET /v1/runs/:runId/logs v Kruns:read
GET /v1/runs/:runId/artifacts/:name v Kruns:read
GET /v1/projects/:projectId/events v Kruns:read
POST /v1/runs/:runId/question/release m
GET /api/jobs/:jobId v
DELETE /api/jobs/:jobId m

POST /v1/projects/:projectId/feedback Kfeedback:write
GET /v1/projects/:projectId/feedback v
POST /v1/projects/:projectId/feedback/:feedbackId/join m
POST /v1/projects/:projectId/feedback/:feedbackId/split m
POST /v1/projects/:projectId/feedback/:feedbackId/block a
DELETE /v1/projects/:projectId/feedback/:feedbackId/block a
GET /v1/projects/:projectId/feedback/:feedbackId/reporter a
DELETE /v1/projects/:projectId/feedback/:feedbackId/reporter a
GET /v1/reports/:feedbackId R
POST /v1/reports/:feedbackId/answer R
POST /v1/reports/:feedbackId/confirm R
POST /v1/reports/:feedbackId/reopen R
GET /r/:feedbackId -
GET /r/page.js -
GET /r/page.css -

POST /v1/workers W
POST /v1/jobs/claim W
POST /v1/jobs/:jobId/renew L
POST /v1/jobs/:jobId/credentials L
POST /v1/jobs/:jobId/events L
POST /v1/jobs/:jobId/logs L
POST /v1/jobs/:jobId/permit L
POST /v1/jobs/:jobId/wait L
POST /v1/jobs/:jobId/complete L
POST /v1/jobs/:jobId/fail L
POST /v1/jobs/:jobId/release L
GET /v1/jobs/:jobId/artifacts/:name L
PUT /v1/jobs/:jobId/artifacts/:name L
POST /v1/jobs/:jobId/spend/reserve L
POST /v1/jobs/:jobId/spend/settle L

GET /v1/debug p
POST /v1/instance/pause p
POST /v1/instance/resume p
`;

const letters: Record<string, string> = {
  "-": "anyone", G: "github", W: "worker", L: "lease", R: "reporter", u: "user",
  v: "viewer", m: "member", a: "admin", o: "owner", p: "operator",
}; // prettier-ignore
const nameOf = (written: string) =>
  written.startsWith("K") ? `key:${written.slice(1)}` : (letters[written] ?? `no such letter: ${written}`);

const written = contract
  .split("\n")
  .filter(Boolean)
  .map((line) => {
    const [method = "", path = "", ...who] = line.split(" ");
    return `${method} ${path} ${who.map(nameOf).toSorted().join(" ")}`;
  });
type Row = Pick<(typeof routes)[number], "method" | "path" | "who">;
const rowOf = ({ method, path, who }: Row) => `${method.toUpperCase()} ${path} ${[who].flat().toSorted().join(" ")}`;

it("case 22: lets in at each route exactly whom the contract names, and has no route beside it", () => {
  expect(written.length).toBeGreaterThan(100);
  expect(routes.map(rowOf).toSorted()).toEqual(written.toSorted());
});

it("would see one role too low, one scope too many, and a route that nobody wrote down", () => {
  const [first] = routes.filter(({ path }) => path === "/v1/projects/:projectId/keys");
  if (!first) throw new Error("There is no such route.");
  expect(written).toContain(rowOf(first));
  for (const changed of [
    { ...first, who: "viewer" as const },
    { ...first, who: ["admin", "key:runs:read"] as const },
  ])
    expect(written).not.toContain(rowOf(changed));
  expect(written).not.toContain(rowOf({ ...first, path: "/v1/elsewhere" }));
});
