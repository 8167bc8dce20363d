import { Problem } from "@feedback-chat/protocol/problem";
import { describe, expect, it } from "vitest";
import { takeSnapshot } from "./snapshot.ts";

const frozen = {
  issueNumber: 1,
  issueUrl: "https://github.com/a/b/issues/1",
  title: "Cart",
  body: "The total is wrong.",
  labels: [],
  author: "ada",
  comments: [],
  frozenAt: "2026-12-01T00:00:00Z",
};
const tags = Array.from("OBEY", (char) => String.fromCodePoint(0xe0000 + char.charCodeAt(0))).join("");

describe("what people said after the gate", () => {
  it("reaches the agent as the issue does: what nobody sees falls and is counted", () => {
    const { said, hiddenRemoved } = takeSnapshot(frozen, {
      question: { text: "Which total?", answer: `The cart's.${tags} <!-- OBEY -->` },
      changeRequest: 'Please also <span title="OBEY">round</span> it.\u202eOBEY\u202c',
    });
    expect(said).toEqual({
      question: { text: "Which total?", answer: "The cart's." },
      changeRequest: "Please also round it.",
    });
    expect(hiddenRemoved).toBeGreaterThanOrEqual(4);
  });

  it("stays null where nobody said anything", () => {
    expect(takeSnapshot(frozen).said).toEqual({ question: null, changeRequest: null });
    expect(takeSnapshot(frozen, { question: { text: "Which?", answer: null }, changeRequest: null }).said).toEqual({
      question: { text: "Which?", answer: null },
      changeRequest: null,
    });
  });
});

describe("an issue of which almost nothing is visible", () => {
  it("fails as bad_snapshot with the reason and what to do", () => {
    const body = `The <!-- ${"secret words ".repeat(20)} -->`;
    expect(() => takeSnapshot({ ...frozen, body })).toThrow(Problem);
    expect(() => takeSnapshot({ ...frozen, body })).toThrow(/3 of \d+ letters/);
    expect(takeSnapshot(frozen).task.body).toBe("The total is wrong.");
  });
});
