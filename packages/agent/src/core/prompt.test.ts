import { expect, it } from "vitest";
import { promptFor, type PromptFacts } from "./prompt.ts";

const facts: PromptFacts = {
  maxTurns: 100,
  wallSeconds: 1_200,
  protectedPaths: ["billing"],
  checks: ["npm test"],
  mayAsk: true,
  hasChangeRequest: false,
  hasPreviousDiff: false,
  redChecks: [],
};

it("names limits, protected paths, the task's file and the way to ask", () => {
  const prompt = promptFor(facts);
  for (const part of [
    "100 turns and 20 minutes",
    ".github",
    "billing",
    "/task/issue.json",
    "/task/question.json",
    "npm test",
  ])
    expect(prompt).toContain(part);
});

it("does not name as protected what the project took out of the list", () => {
  const prompt = promptFor({ ...facts, protectedPaths: ["billing", "!migrations"] });
  expect(prompt).toMatch(/published: \.github .* billing\n/);
  expect(prompt).not.toContain("migrations");
});

it("lets nobody ask twice, and points to what came with a later round", () => {
  const prompt = promptFor({
    ...facts,
    mayAsk: false,
    hasChangeRequest: true,
    hasPreviousDiff: true,
    redChecks: ["test"],
  });
  expect(prompt).not.toContain("question.json");
  for (const file of ["change-request.json", "previous.diff", "checks.json"]) expect(prompt).toContain(`/task/${file}`);
});

it("begins with our words, so that nothing in it is a command of the engine's", () => {
  expect(promptFor(facts)).toMatch(/^You implement one user's feedback/);
});
