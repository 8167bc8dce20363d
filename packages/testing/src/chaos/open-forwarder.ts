import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Forwarder = AsyncDisposable & {
  port: number;
  /** Cuts every connection that is open now, in the middle of whatever it says. @returns how many. */
  cut(): number;
};

/**
 * A TCP forwarder on loopback. Each new connection goes to the next target in turn; one that refuses is passed over,
 * as a load balancer does. Bytes are not looked at.
 */
export async function openForwarder(targets: () => readonly number[]): Promise<Forwarder> {
  const open = new Set<Socket>();
  let turn = 0;
  const server = createServer({ pauseOnConnect: true }, (near) => {
    keep(near);
    const ports = targets();
    const first = turn++;
    const inTurn = ports.map((_, index) => ports[(first + index) % ports.length] ?? 0);
    void forward(near, inTurn);
  });

  function keep(socket: Socket): void {
    open.add(socket);
    // Either end may be killed at any moment: its other half is cut too.
    socket.on("error", () => socket.destroy()).once("close", () => open.delete(socket));
  }

  async function forward(near: Socket, ports: number[]): Promise<void> {
    for (const port of ports) {
      const far = connect(port, "127.0.0.1");
      if (!(await isConnected(far))) continue;
      keep(far);
      near.once("close", () => far.destroy());
      far.once("close", () => near.destroy());
      near.pipe(far);
      far.pipe(near);
      near.resume();
      return;
    }
    near.destroy();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      const { size } = open;
      for (const socket of open) socket.resetAndDestroy();
      return size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function isConnected(socket: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  return promise;
}
