import { describe, expect, it } from "vitest";

/** As the model proxy sees whoever keeps the account of a run. */
export type SpendStore = {
  reserve(microUsd: number): Promise<{ reservationId: string }>;
  settle(
    reservation: { reservationId: string },
    microUsd: number,
    tokens: { input: number; output: number },
  ): Promise<void>;
};
export type Ceilings = { runMicroUsd: number; dayMicroUsd: number };
/** The stores of two runs of one project. */
export type OpenSpendStores = (ceilings: Ceilings) => Promise<{ run: SpendStore; other: SpendStore } & AsyncDisposable>;

const tokens = { input: 10, output: 5 };
const refused = (scope: "run" | "day", leftMicroUsd: number) => ({
  code: "budget_exceeded",
  facts: expect.objectContaining({ scope, leftMicroUsd }) as object,
});
const isRefusal = (code: string) => (error: unknown) => {
  if (!(error instanceof Error) || !("code" in error) || error.code !== code) throw error;
  return null;
};

/** The obligations of every store of spending: no sum of what was reserved and settled ever passes a ceiling. */
export function spendStoreContract(name: string, open: OpenSpendStores): void {
  describe(name, () => {
    it("never passes the run's ceiling, however many reserve at once, and says what is left", async () => {
      await using stores = await open({ runMicroUsd: 1_000, dayMicroUsd: 100_000 });
      const asked = Array.from({ length: 12 }, () => stores.run.reserve(300).catch(isRefusal("budget_exceeded")));
      const granted = (await Promise.all(asked)).filter((one) => one !== null);
      expect(new Set(granted.map(({ reservationId }) => reservationId)).size).toBe(3);
      await expect(stores.run.reserve(101)).rejects.toMatchObject(refused("run", 100));
      await stores.run.reserve(100);
    });

    it("never passes the day's ceiling, however many runs reserve at once", async () => {
      await using stores = await open({ runMicroUsd: 10_000, dayMicroUsd: 1_000 });
      const asked = [stores.run, stores.other, stores.run, stores.other].map((store) =>
        store.reserve(400).catch(isRefusal("budget_exceeded")),
      );
      expect((await Promise.all(asked)).filter((one) => one !== null)).toHaveLength(2);
      await expect(stores.other.reserve(201)).rejects.toMatchObject(refused("day", 200));
    });

    it("gives back what a settled reservation did not use, and keeps what it did", async () => {
      await using stores = await open({ runMicroUsd: 1_000, dayMicroUsd: 100_000 });
      await stores.run.settle(await stores.run.reserve(1_000), 250, tokens);
      await expect(stores.run.reserve(751)).rejects.toMatchObject(refused("run", 750));
      await stores.run.settle(await stores.run.reserve(750), 0, { input: 0, output: 0 });
      await stores.run.reserve(750);
    });

    it("settles once: the first word counts", async () => {
      await using stores = await open({ runMicroUsd: 1_000, dayMicroUsd: 100_000 });
      const reservation = await stores.run.reserve(1_000);
      await stores.run.settle(reservation, 600, tokens);
      await stores.run.settle(reservation, 600, tokens);
      await stores.run.settle(reservation, 0, tokens);
      await expect(stores.run.reserve(401)).rejects.toMatchObject(refused("run", 400));
    });

    it("settles no reservation that is unknown, or of another run", async () => {
      await using stores = await open({ runMicroUsd: 1_000, dayMicroUsd: 100_000 });
      const reservation = await stores.run.reserve(1_000);
      await expect(stores.other.settle(reservation, 0, tokens)).rejects.toMatchObject({ code: "not_found" });
      const unknown = { reservationId: "019ad000-0000-7000-8000-000000000000" };
      await expect(stores.run.settle(unknown, 0, tokens)).rejects.toMatchObject({ code: "not_found" });
      await expect(stores.run.reserve(1)).rejects.toMatchObject(refused("run", 0));
    });
  });
}
