import { describe, expect, it } from "vitest";
import { allowedCalls } from "./allowed-calls.ts";
import { judgedCalls, refusedCalls, unknownCalls } from "./refused-calls.ts";
import { seccompProfile } from "./seccomp-profile.ts";

const profile = seccompProfile();

/** Container engines' reading: a rule holds if all its comparisons do; nothing held = the default. */
function judge(call: string, args: bigint[] = []): string[] {
  const held = profile.syscalls.filter(
    (rule) => rule.names.includes(call) && rule.args.every((one) => holds(one, args[one.index] ?? 0n)),
  );
  const said = held.map(({ action, errnoRet }) => (action === "SCMP_ACT_ALLOW" ? "allowed" : `error ${errnoRet}`));
  return said.length > 0 ? [...new Set(said)] : [`error ${profile.defaultErrnoRet}`];
}

function holds({ op, value, valueTwo }: (typeof profile.syscalls)[number]["args"][number], given: bigint): boolean {
  if (op === "SCMP_CMP_LE") return given <= BigInt(value);
  return op === "SCMP_CMP_GT" ? given > BigInt(value) : (given & BigInt(value)) === BigInt(valueTwo);
}

describe("the filter of system calls as a container engine takes it", () => {
  it("refuses each call of the table, and no call that a build needs", () => {
    for (const call of Object.keys(refusedCalls)) expect([call, judge(call)]).toEqual([call, ["error 1"]]);
    for (const call of Object.keys(unknownCalls)) expect([call, judge(call)]).toEqual([call, ["error 38"]]);
    for (const call of allowedCalls) expect([call, judge(call)]).toEqual([call, ["allowed"]]);
    expect(allowedCalls.length).toBeGreaterThan(290);
    for (const call of ["read", "execve", "futex", "statx", "rseq", "epoll_pwait2", "faccessat2", "seccomp"])
      expect(allowedCalls).toContain(call);
  });

  it("names each call once: in one table, or judged by an argument", () => {
    const all = [...allowedCalls, ...Object.keys({ ...refusedCalls, ...unknownCalls, ...judgedCalls })];
    expect(new Set(all).size).toBe(all.length);
  });

  it("knows no call that came after it", () => {
    for (const call of ["open_tree_attr", "setxattrat", "file_getattr", "listns"])
      expect(judge(call)).toEqual(["error 38"]);
  });

  it("lets a process have threads and children, and no namespace of its own", () => {
    for (const flags of [0x3d0f00n, 0x11n, 0x1200011n]) expect(judge("clone", [flags])).toEqual(["allowed"]);
    for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n])
      expect(judge("clone", [flag | 0x11n])).toEqual(["error 1"]);
  });

  it("lets a terminal be asked and set, and nothing typed into it, whatever stands in the register's upper half", () => {
    for (const value of [0x5401n, 0x5411n, 0x5413n, 0x5414n, 0x541bn, 0x541dn, 0n, 0xffffffffn])
      expect(judge("ioctl", [0n, value])).toEqual(["allowed"]);
    for (const value of [0x5412n, 0x541cn, 0x1_0000_5412n, 0xffff_ffff_0000_541cn])
      expect(judge("ioctl", [0n, value])).toEqual(["error 1"]);
  });

  it("lets the personality be asked, and addresses be foreseen by nobody", () => {
    for (const value of [0n, 8n, 0xffffffffn]) expect(judge("personality", [value])).toEqual(["allowed"]);
    for (const value of [0x40000n, 0x40008n, 9n, 0xfffffffen, 0x1_0004_0000n])
      expect(judge("personality", [value])).toEqual(["error 1"]);
  });

  it("has shared memory as small as databases need it to know of each other", () => {
    for (const size of [0n, 56n, 0xffffn]) expect(judge("shmget", [0n, size])).toEqual(["allowed"]);
    for (const size of [0x10000n, 0x1_0000_0038n, 0xffff_ffff_ffff_ffffn])
      expect(judge("shmget", [0n, size])).toEqual(["error 1"]);
  });

  it("has sockets of the families that a build needs; of netlink, the list of interfaces", () => {
    for (const family of [1n, 2n, 10n]) expect(judge("socket", [family, 1n, 6n])).toEqual(["allowed"]);
    expect(judge("socket", [16n, 3n, 0n])).toEqual(["allowed"]);
    for (const protocol of [6n, 12n, 16n, 21n]) expect(judge("socket", [16n, 3n, protocol])).toEqual(["error 97"]);
    for (const family of [0n, 15n, 17n, 21n, 29n, 38n, 40n, 44n, 0x1_0000_0011n])
      expect(judge("socket", [family, 1n, 0n])).toEqual(["error 97"]);
  });
});
