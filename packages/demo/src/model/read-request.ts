import * as z from "zod";

const block = z.looseObject({ type: z.string() });
const content = z.union([z.string(), z.array(block)]);
export const messagesRequest = z.looseObject({
  model: z.string(),
  max_tokens: z.int().positive().optional(),
  stream: z.boolean().default(false),
  system: content.optional(),
  messages: z.array(z.looseObject({ role: z.enum(["user", "assistant", "system"]), content })).min(1),
});
export type MessagesRequest = z.infer<typeof messagesRequest>;

/** What a script can know of a request. */
export type ModelTask = {
  /** How many turns the model had already. */
  step: number;
  /** Everything that the system, the user and the tools said, as plain text. */
  text: string;
  /** The engine's working folder, as the engine itself names it. */
  tree: string;
  task: string;
};

export function readTask({ system = [], messages }: MessagesRequest): ModelTask {
  const others = messages.filter(({ role }) => role !== "assistant");
  const text = [system, ...others.map((message) => message.content)].flatMap(plainTexts).join("\n");
  return {
    step: messages.length - others.length,
    text,
    // Claude Code 2.1.329: " - Primary working directory: /work" in a reminder of the first user message.
    tree: /working directory: *(\S+)/i.exec(text)?.[1] ?? "/work",
    task: /(\/\S*)\/issue\.json/.exec(text)?.[1] ?? "/task",
  };
}

function plainTexts(value: z.infer<typeof content>): string[] {
  if (typeof value === "string") return [value];
  return value.flatMap((one) => {
    if (typeof one["text"] === "string") return [one["text"]];
    const inner = content.safeParse(one["content"]);
    return inner.success ? plainTexts(inner.data) : [];
  });
}
