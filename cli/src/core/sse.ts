export type SseMessage = { event: string; data: string; id: string | undefined };

/**
 * Takes the text of a server-sent event stream in pieces of any size and gives whole messages
 * (WHATWG HTML, section 9.2.6: lines end with CR, LF or both; a blank line ends a message).
 */
export function makeSseParser(): (piece: string) => SseMessage[] {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id: string | undefined;
  return (piece) => {
    const messages: SseMessage[] = [];
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) messages.push({ event: event || "message", data: data.join("\n"), id });
        event = "";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") data.push(value);
      if (field === "event") event = value;
      if (field === "id") id = value;
    }
    return messages;
  };
}
