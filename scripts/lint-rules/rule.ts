/** As much of ESTree as our rules read. Fields differ by `type`; the linter hands us trees that it parsed itself. */
export interface Node {
  type: string;
  parent?: Node;
  // oxlint-disable-next-line typescript/no-explicit-any -- ESTree's union has 180 members and is not published
  [field: string]: any;
}
export interface Context {
  filename: string;
  report(finding: { node: Node; message: string }): void;
}
export interface Rule {
  create(context: Context): Record<string, (node: Node) => void>;
}

/** `Date.now` for the member expression of that name, else nothing. */
export function dotted(node: Node): string | undefined {
  if (node.type === "Identifier") return node["name"] as string;
  if (node.type !== "MemberExpression" || node["object"].type !== "Identifier") return undefined;
  const name = node["computed"] ? node["property"].value : node["property"].name;
  return typeof name === "string" ? `${node["object"].name}.${name}` : undefined;
}

export function isInside(node: Node, isWanted: (ancestor: Node) => boolean): boolean {
  for (let above = node.parent; above; above = above.parent) if (isWanted(above)) return true;
  return false;
}
