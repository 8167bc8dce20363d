import { useEffect, useRef, useState } from "react";

type Handlers = Record<string, (data: string) => void>;

/**
 * Reads a stream of server-sent events while the page shows it. The browser reconnects by itself and says which event
 * it had last. `end` closes it; another `key` opens it anew.
 * @returns whether the stream is open (or at its end).
 */
export function useStream(address: string, handlers: Handlers, key = 0): boolean {
  const [isLive, setLive] = useState(true);
  const current = useRef(handlers);
  useEffect(() => {
    current.current = handlers;
  });
  useEffect(() => {
    const source = new EventSource(address);
    const names = new Set([...Object.keys(current.current), "end"]);
    for (const name of names)
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        current.current[name]?.(data);
        if (name === "end") source.close();
      });
    source.addEventListener("open", () => setLive(true));
    source.addEventListener("error", () => setLive(false));
    return () => source.close();
  }, [address, key]);
  return isLive;
}
