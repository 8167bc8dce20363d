import { expect, it } from "vitest";
import { permissionsFor, permissionsOfApp } from "./app-permissions.ts";

it("gives the App what its steps need together, and no workflows, hooks or administration", () => {
  expect(permissionsOfApp()).toEqual({
    contents: "write",
    issues: "write",
    pull_requests: "write",
    deployments: "read",
  });
});

it("lets a clone read and nothing else", () => {
  expect(permissionsFor.clone).toEqual({ contents: "read" });
  expect(Object.values(permissionsFor.read)).not.toContain("write");
});
