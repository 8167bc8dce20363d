import { expect, it } from "vitest";
import { secretTextTrouble } from "./secret-text.ts";

it.each(["sk-ant-api03-Ab_9-", "ghp_0123456789", "a~!#%&'b"])("takes %s as a key", (text) => {
  expect(secretTextTrouble(text)).toBeNull();
});

it.each([
  ["", "is empty"],
  ["sk-ant-1\r", "contains a line end"],
  ["sk-ant\nx", "contains a line end"],
  ["sk ant", "contains a blank"],
  ['"sk-ant-1"', "stands in quotation marks"],
  ["sk-ant-1\u201d", "contains a character that no key has (U+201D)"],
  ["sk-ant-\u0000", "contains a character that no key has (U+0000)"],
  ["sk-ant-é", "contains a character that no key has (U+00E9)"],
])("says of %j that it %s", (text, trouble) => {
  expect(secretTextTrouble(text)).toBe(trouble);
});
