import pg from "pg";

/** The bare round trip: one connection notifies, as many listen, the first that hears it counts. */
export async function openBell(url: string, listeners: number) {
  await using opened = new AsyncDisposableStack();
  let heard = Promise.withResolvers<number>();
  const open = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    opened.defer(() => client.end());
    return client;
  };
  for (let n = 0; n < listeners; n += 1) {
    const listener = await open();
    listener.on("notification", () => heard.resolve(performance.now()));
    await listener.query("listen bench_bell");
  }
  const ringer = await open();
  const owned = opened.move();
  return {
    async ring(): Promise<number> {
      heard = Promise.withResolvers();
      const startMs = performance.now();
      await ringer.query("select pg_notify('bench_bell', $1)", [String(startMs)]);
      return (await heard.promise) - startMs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
