/** Worlds that cost seconds to make, used again by the next row; one that a row failed in is thrown away. */
export function makePool<T extends AsyncDisposable>(make: (kind: string) => Promise<T>) {
  const idle: { kind: string; world: T }[] = [];
  return {
    async use(kind: string, work: (world: T) => Promise<void>): Promise<void> {
      const at = idle.findIndex((one) => one.kind === kind);
      const world = at === -1 ? await make(kind) : idle.splice(at, 1)[0]!.world;
      try {
        await work(world);
      } catch (error) {
        await world[Symbol.asyncDispose]();
        throw error;
      }
      idle.push({ kind, world });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all(idle.splice(0).map(({ world }) => world[Symbol.asyncDispose]()));
    },
  };
}
