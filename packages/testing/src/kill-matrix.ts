/**
 * The one kill matrix: at which point, which process is killed, before or after that point. Every row has to end,
 * after a restart, in exactly one branch and one pull request. Points are requests that somebody really makes.
 */
export type KillRow = {
  name: string;
  point: string;
  kill: "worker" | "server";
  at: "before" | "after";
  /** Between worker and control plane, or between the product and GitHub. */
  via: "tap" | "github";
  method: "GET" | "POST" | "PUT";
  path: RegExp;
  body?: RegExp;
  /** The run is held for a person: the row lies on the way to the hold, or on the way out of it. */
  isHeld?: true;
  /** The point comes with, or after, the approval. */
  isWayOut?: true;
};

type Point = Omit<KillRow, "kill" | "at" | "name" | "point"> & { what: string };

const onEvent = (phase: string): Point => ({
  what: `phase ${phase}`,
  via: "tap",
  method: "POST",
  path: /\/jobs\/[^/]+\/events$/,
  body: new RegExp(`"phase":"${phase}"`),
});
const onJob = (verb: string, extra: Partial<Point> = {}): Point => ({
  what: verb,
  via: "tap",
  method: "POST",
  path: new RegExp(`/jobs/[^/]+/${verb}$`),
  ...extra,
});

const points: Point[] = [
  { what: "claim", via: "tap", method: "POST", path: /\/jobs\/claim$/ },
  onJob("credentials"),
  onEvent("snapshot"),
  onEvent("clone"),
  onEvent("agent"),
  onEvent("validate"),
  { what: "artifact tree.pack", via: "tap", method: "PUT", path: /\/artifacts\/tree\.pack$/ },
  onJob("permit"),
  onEvent("publish"),
  onJob("complete"),
  onJob("wait", { isHeld: true }),
  { what: "approve", via: "tap", method: "POST", path: /\/action$/, isHeld: true, isWayOut: true },
  {
    what: "permit after the approval",
    via: "tap",
    method: "POST",
    path: /\/jobs\/[^/]+\/permit$/,
    isHeld: true,
    isWayOut: true,
  },
  {
    what: "complete after the approval",
    via: "tap",
    method: "POST",
    path: /\/jobs\/[^/]+\/complete$/,
    isHeld: true,
    isWayOut: true,
  },
  { what: "fetch", via: "github", method: "POST", path: /git-upload-pack$/ },
  { what: "push", via: "github", method: "POST", path: /git-receive-pack$/ },
  { what: "pull request", via: "github", method: "POST", path: /\/repos\/acme\/shop\/pulls$/ },
];

/** Who makes an action is a person, who is not killed here. */
function kills(what: string): ("worker" | "server")[] {
  return what === "approve" ? ["server"] : ["worker", "server"];
}

export const killMatrix: KillRow[] = points.flatMap(({ what, ...point }) =>
  kills(what).flatMap((kill) =>
    (["before", "after"] as const).map((at) => ({
      ...point,
      point: what,
      name: `${kill} killed ${at} ${what}`,
      kill,
      at,
    })),
  ),
);
