import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeSseParser } from "./sse.ts";

const text = 'id: 3\nevent: log\ndata: {"a":1}\n\n: comment\n\nid: 4\r\nevent: stage\r\ndata: one\r\ndata: two\r\n\r\n';
const whole = [
  { id: "3", event: "log", data: '{"a":1}' },
  { id: "4", event: "stage", data: "one\ntwo" },
];

describe("makeSseParser", () => {
  it("gives the same messages however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const parse = makeSseParser();
        const borders = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const messages = borders.slice(1).flatMap((end, at) => parse(text.slice(borders[at], end)));
        expect(messages).toEqual(whole);
      }),
    );
  });

  it("keeps an unfinished message back", () => {
    expect(makeSseParser()("event: log\ndata: 1\n")).toEqual([]);
  });
});
