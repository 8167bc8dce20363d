import { setTimeout as pause } from "node:timers/promises";
import { isProblem } from "@feedback-chat/protocol/problem";
import { isServerDown } from "../call-api.ts";
import type { Field, Tenant } from "./open-field.ts";
import type { OpenedIssue } from "./judge-field.ts";
import type { Seeded } from "./seeded.ts";

type Plan = { random: Seeded; count: number; seconds: number };

/** So many issues, spread over so many seconds and all projects. Some get their trigger label a little later. */
export async function openIssues(field: Field, { random, count, seconds }: Plan): Promise<OpenedIssue[]> {
  const opened: OpenedIssue[] = [];
  const began = performance.now();
  for (let index = 0; index < count; index += 1) {
    await pause(Math.max(0, (index / count) * seconds * 1_000 - (performance.now() - began)));
    const { fullName, openIssue } = random.pick(field.tenants);
    const { number } = openIssue({ title: `The total is wrong, said the ${index + 1}th` });
    opened.push({ repo: fullName, number });
  }
  return opened;
}

/** Approves whatever is held, for as long as it is asked to; a click that was lost is made again. */
export async function approveHeld(field: Field, stopped: AbortSignal): Promise<number> {
  const approved = new Set<string>();
  while (!stopped.aborted) {
    for (const tenant of field.tenants) if (tenant.isHeld) await approveOf(tenant, approved);
    await pause(500);
  }
  return approved.size;
}

async function approveOf({ runs, act }: Tenant, approved: Set<string>): Promise<void> {
  try {
    for (const run of await runs("?stage=validating&limit=100")) {
      if (run.waitingFor !== "approval") continue;
      await act(run.id, "approve");
      approved.add(run.id);
    }
  } catch (error) {
    // Nobody answers right now, or the run moved on since it was listed: they look again.
    const movedOn = isProblem(error, "invalid_transition") || isProblem(error, "stage_changed");
    if (!isServerDown(error) && !movedOn) throw error;
  }
}
