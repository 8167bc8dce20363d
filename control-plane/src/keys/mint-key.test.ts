import { expect, it } from "vitest";
import { hashKey, isWellFormedKey, mintKey } from "./mint-key.ts";

it("makes keys that are known by their looks, all different", () => {
  const keys = Array.from({ length: 200 }, () => mintKey("worker"));
  for (const { key, prefix, hash } of keys) {
    expect(key).toMatch(/^fcw_[0-9A-Za-z]{38}$/);
    expect(isWellFormedKey(key)).toBe(true);
    expect(key.startsWith(prefix)).toBe(true);
    expect(hash).toEqual(hashKey(key));
  }
  expect(new Set(keys.map(({ key }) => key)).size).toBe(200);
});

it("refuses any other text without looking it up", () => {
  const { key } = mintKey("user");
  const middle = key[20] === "a" ? "b" : "a";
  const wrong = [
    key.slice(0, 20) + middle + key.slice(21),
    key.slice(1),
    `${key}x`,
    key.replace("fcu", "fcw"),
    "",
    "fcu_",
  ];
  for (const text of wrong) expect(isWellFormedKey(text), text).toBe(false);
});
