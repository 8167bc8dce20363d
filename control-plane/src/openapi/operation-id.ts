/** One name for a route in the OpenAPI document and in the typed client, such as `getRunsRunIdLogs`. */
export function operationIdOf({ method, path }: { method: string; path: string }): string {
  const words = path
    .replace(/^\/(api|v1)\//, "/")
    .split(/[/:._-]/)
    .filter((word) => word !== "");
  return [method, ...words.map((word) => word[0]?.toUpperCase() + word.slice(1))].join("");
}
