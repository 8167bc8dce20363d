import { expect, it } from "vitest";
import { originOf } from "./origin-of.ts";

it.each([
  ["https://feedback.example.com", "https://feedback.example.com"],
  ["https://feedback.example.com/", "https://feedback.example.com"],
  ["http://127.0.0.1:4100/", "http://127.0.0.1:4100"],
])("reads %s as %s", (written, origin) => expect(originOf(written, "FEEDBACK_CHAT_URL")).toBe(origin));

it.each([
  ["https://example.com/feedback", "has a path: /feedback"],
  ["https://example.com/?a=1", "has a path: /?a=1"],
  ["https://ada:hunter2@example.com", "holds a user or a password"],
  ["ftp://example.com", "is not an http or https address"],
  ["example.com", "is not an http or https address"],
])("refuses %s: it %s", (written, why) => expect(() => originOf(written, "FEEDBACK_CHAT_URL")).toThrow(why));
