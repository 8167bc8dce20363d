export type Line = { text: string; wasCut: boolean };

/** Splits bytes into lines; of a line longer than `maxBytes` only the beginning is kept, however long it gets. */
export async function* readLines(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line> {
  const decoder = new TextDecoder("utf-8", { fatal: false });
  let parts: Uint8Array[] = [];
  let size = 0;
  let wasCut = false;

  function keep(bytes: Uint8Array): void {
    const room = maxBytes - size;
    if (bytes.byteLength > room) wasCut = true;
    if (room <= 0 || bytes.byteLength === 0) return;
    const kept = bytes.subarray(0, room);
    parts.push(kept.slice());
    size += kept.byteLength;
  }
  function take(): Line {
    const line = { text: decoder.decode(Buffer.concat(parts)), wasCut };
    parts = [];
    size = 0;
    wasCut = false;
    return line;
  }

  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, at));
      yield take();
      from = at + 1;
    }
    keep(chunk.subarray(from));
  }
  if (size > 0 || wasCut) yield take();
}
