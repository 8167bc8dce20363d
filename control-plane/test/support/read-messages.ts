import { runStreamMessages } from "@feedback-chat/protocol/run";

export type Message = { event: string; id: number | null; data: Record<string, unknown> };

/** Reads messages until `isEnough`, or the stream's end. */
export async function read(
  response: Response,
  isEnough: (all: Message[]) => boolean = () => false,
): Promise<Message[]> {
  const all: Message[] = [];
  let rest = "";
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    rest += new TextDecoder().decode(chunk, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) if (!block.startsWith(":")) all.push(parse(block));
    if (isEnough(all)) break;
  }
  return all;
}

function parse(block: string): Message {
  const fields = Object.fromEntries(
    block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
  );
  const event = fields["event"] ?? "";
  const data = JSON.parse(fields["data"] ?? "null") as Record<string, unknown>;
  if (event in runStreamMessages) runStreamMessages[event as keyof typeof runStreamMessages].parse(data);
  return { event, id: fields["id"] === undefined ? null : Number(fields["id"]), data };
}

export const idsOf = (messages: Message[]) => messages.flatMap(({ id }) => (id === null ? [] : [id]));
