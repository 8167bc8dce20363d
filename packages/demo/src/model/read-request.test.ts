import { describe, expect, it } from "vitest";
import { messagesRequest, readTask } from "./read-request.ts";

const read = (request: unknown) => readTask(messagesRequest.parse(request));

describe("what a script knows of a request", () => {
  it("is the step, the folders and everything that was said but by the model itself", () => {
    const reminder = "<system-reminder>\n - Primary working directory: /srv/job 1/work\n</system-reminder>";
    const task = read({
      model: "m",
      system: [{ type: "text", text: "You are an agent." }],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: reminder.replace(" 1", "") },
            { type: "text", text: "Task: /srv/task/issue.json." },
          ],
        },
        { role: "assistant", content: [{ type: "text", text: "mine" }] },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "t", content: "from a tool" }],
        },
      ],
    });
    expect(task).toMatchObject({ step: 1, tree: "/srv/job/work", task: "/srv/task" });
    expect(task.text).toMatch(/You are an agent[^]*from a tool/);
    expect(task.text).not.toContain("mine");
  });

  it("has the sandbox's folders where the request names none", () => {
    expect(read({ model: "m", messages: [{ role: "user", content: "Hello" }] })).toEqual({
      step: 0,
      text: "Hello",
      tree: "/work",
      task: "/task",
    });
  });
});
