import { describe, expect, it } from "vitest";
import { noticeText } from "./notice-text.ts";

const notice = {
  kind: "notice_held" as const, projectName: "Shop", issueNumber: 7, reason: "package.json changed",
  endsAt: new Date("2026-11-21T08:30:00Z"), url: "https://x.example/r",
}; // prettier-ignore

describe("the text of a notice", () => {
  it("names project, issue, reason, end and address", () => {
    const { subject, body } = noticeText(notice);
    expect(subject).toBe("Waits for your approval: Shop #7");
    for (const words of ["Reason: package.json changed", "at 2026-11-21 08:30 UTC", "https://x.example/r"])
      expect(body).toContain(words);
  });

  it("keeps line breaks of others' words out of subject and body", () => {
    const { subject, body } = noticeText({ ...notice, projectName: "Shop\r\nBcc: x", reason: "a\n\nLook: evil" });
    expect(subject).not.toMatch(/[\r\n]/);
    expect(body).toContain("Reason: a Look: evil");
  });
});
