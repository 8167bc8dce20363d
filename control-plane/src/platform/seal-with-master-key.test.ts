import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packSealed, unpackSealed } from "./pack-sealed.ts";
import { deriveSecret, lostSealing, sealWithMasterKey } from "./seal-with-master-key.ts";

const key = randomBytes(32);
const place = { projectId: "p", id: "c", type: "github_token", version: 1 };

describe("the vault", () => {
  it("opens what it sealed, through the bytes of one column", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (plain) => {
        const sealing = sealWithMasterKey(key);
        const stored = packSealed(sealing.seal(plain, place));
        expect(sealing.open(unpackSealed(stored), place)).toBe(Buffer.from(plain).toString("utf8"));
      }),
    );
  });

  it("opens for nothing else: another row, kind, version, key or a changed bit", () => {
    const sealing = sealWithMasterKey(key);
    const sealed = sealing.seal("secret", place);
    const others = [{ projectId: "q" }, { id: "d" }, { type: "claude_oauth" }, { version: 2 }];
    for (const other of others) expect(() => sealing.open(sealed, { ...place, ...other })).toThrow("cannot be read");
    expect(() => sealWithMasterKey(randomBytes(32)).open(sealed, place)).toThrow("another master key");
    const changed = Buffer.from(sealed.encryptedValue);
    changed[14] = (changed[14] ?? 0) ^ 1;
    expect(() => sealing.open({ ...sealed, encryptedValue: changed }, place)).toThrow("cannot be read");
  });

  it("seals the same text to other bytes each time, without the text in them", () => {
    const sealing = sealWithMasterKey(key);
    const [one, two] = [sealing.seal("secret", place), sealing.seal("secret", place)];
    expect(one.encryptedValue).not.toEqual(two.encryptedValue);
    expect(packSealed(one).includes("secret")).toBe(false);
  });

  it("neither seals nor opens while the key is lost", () => {
    expect(lostSealing().isReady).toBe(false);
    expect(() => lostSealing().seal("x", place)).toThrow("its master key is not the one that sealed them");
  });

  it("derives secrets that differ by use", () => {
    expect(deriveSecret(key, "sessions")).not.toBe(deriveSecret(key, "cursors"));
  });
});
