import { describe, expect, it } from "vitest";
import { type Architecture, refusedCalls, unknownCalls } from "./refused-calls.ts";
import { seccompProgram } from "./seccomp-program.ts";

const audited = { x64: 0xc000003e, arm64: 0xc00000b7 };
const numbers = {
  x64: {
    read: 0,
    write: 1,
    clone: 56,
    execve: 59,
    socket: 41,
    ioctl: 16,
    personality: 135,
    shmget: 29,
    futex: 202,
    statx: 332,
  },
  arm64: {
    read: 63,
    write: 64,
    clone: 220,
    execve: 221,
    socket: 198,
    ioctl: 29,
    personality: 92,
    shmget: 194,
    futex: 98,
    statx: 291,
  },
};

/** The kernel's filter machine, as far as the program uses it. */
function judge(architecture: Architecture, call: number, args: number[] = [], dialect = audited[architecture]): string {
  const program = seccompProgram(architecture);
  const steps = new DataView(program.buffer);
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call, true);
  data.setUint32(4, dialect, true);
  for (const [index, value] of args.entries()) data.setBigUint64(16 + index * 8, BigInt(value), true);
  let held = 0;
  for (let step = 0; step * 8 < program.length; step++) {
    const [code, constant] = [steps.getUint16(step * 8, true), steps.getUint32(step * 8 + 4, true)];
    const go = (isTrue: boolean) => (step += steps.getUint8(step * 8 + (isTrue ? 2 : 3)));
    if (code === 0x20) held = data.getUint32(constant, true);
    else if (code === 0x15) go(held === constant);
    else if (code === 0x25) go(held > constant);
    else if (code === 0x45) go((held & constant) !== 0);
    else if (code === 0x06) return constant === 0x7fff0000 ? "allowed" : `error ${constant & 0xffff}`;
    else throw new Error(`no such step: ${code}`);
  }
  throw new Error("the program has no end");
}

describe.each(["x64", "arm64"] as const)("the filter of system calls on %s", (architecture) => {
  const known = numbers[architecture];

  it("refuses each call of the table, and no other that is not judged by an argument", () => {
    const refused: number[] = Object.values(refusedCalls).flatMap((row) => row[architecture] ?? []);
    const unknown: number[] = Object.values(unknownCalls).map((row) => row[architecture]);
    const judged: number[] = [known.socket, known.personality];
    for (let call = 0; call <= 462; call++) {
      if (judged.includes(call)) continue;
      const expected = refused.includes(call) ? "error 1" : unknown.includes(call) ? "error 38" : "allowed";
      expect([call, judge(architecture, call)]).toEqual([call, expected]);
    }
    expect(refused.length).toBeGreaterThan(45);
  });

  it("knows no call that came after it, and no other dialect of the processor", () => {
    expect(judge(architecture, 467)).toBe("error 38");
    expect(judge(architecture, 0x40000000 + 1)).toBe("error 38");
    expect(judge(architecture, known.write, [], 0x40000003)).toBe("error 38");
  });

  it("lets a process have threads and children, and no namespace of its own", () => {
    expect(judge(architecture, known.clone, [0x3d0f00])).toBe("allowed");
    expect(judge(architecture, known.clone, [0x11])).toBe("allowed");
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
      expect(judge(architecture, known.clone, [flag | 0x11])).toBe("error 1");
  });

  it("lets a terminal be asked and set, and nothing typed into it", () => {
    expect(judge(architecture, known.ioctl, [0, 0x5401])).toBe("allowed");
    expect(judge(architecture, known.ioctl, [0, 0x5412])).toBe("error 1");
    expect(judge(architecture, known.ioctl, [0, 0x541c])).toBe("error 1");
  });

  it("lets the personality be asked, and addresses be foreseen by nobody", () => {
    for (const value of [0, 8, 0xffffffff]) expect(judge(architecture, known.personality, [value])).toBe("allowed");
    expect(judge(architecture, known.personality, [0x40000])).toBe("error 1");
  });

  it("has shared memory as small as databases need it to know of each other", () => {
    for (const size of [0, 56, 0xffff]) expect(judge(architecture, known.shmget, [0, size])).toBe("allowed");
    for (const size of [0x10000, 2 ** 32 + 56, 2 ** 40])
      expect(judge(architecture, known.shmget, [0, size])).toBe("error 1");
  });

  it("has sockets of the families that a build needs; of netlink, the list of interfaces", () => {
    for (const family of [1, 2, 10]) expect(judge(architecture, known.socket, [family, 1, 6])).toBe("allowed");
    expect(judge(architecture, known.socket, [16, 3, 0])).toBe("allowed");
    for (const protocol of [6, 12, 16, 21])
      expect(judge(architecture, known.socket, [16, 3, protocol])).toBe("error 97");
    for (const family of [0, 15, 17, 21, 29, 38, 40, 44])
      expect(judge(architecture, known.socket, [family, 1, 0])).toBe("error 97");
  });
});
