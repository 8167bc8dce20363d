type Json = Record<string, unknown>;

/**
 * What tells one event of GitHub from all others, whichever webhook brought it: its kind, its thing, and when that
 * thing was changed. Null for what cannot be told apart so.
 */
export function deliveryMeaning(event: string, payload: unknown): string | null {
  const root = asObject(payload);
  const [issue, pull, status] = [root["issue"], root["pull_request"], root["deployment_status"]].map(asObject);
  const thing =
    event === "issues"
      ? [issue?.["number"], issue?.["updated_at"], asObject(root["label"])["name"]]
      : event === "pull_request"
        ? [pull?.["number"], pull?.["updated_at"], asObject(root["label"])["name"]]
        : event === "deployment_status"
          ? [status?.["id"], status?.["state"]]
          : [];
  if (thing[0] === undefined || thing[1] === undefined) return null;
  return JSON.stringify([event, root["action"] ?? null, ...thing.map((part) => part ?? null)]);
}

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}
