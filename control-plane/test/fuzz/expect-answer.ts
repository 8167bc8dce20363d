import { problemDetails, problems } from "@feedback-chat/protocol/problem";
import type { FuzzScene } from "./open-fuzz-scene.ts";
import type { RawAnswer, RawRequest } from "./send-raw.ts";

/** Whatever came in, an answer of ours goes out: no bug, and each refusal in the contract's shape. */
export function expectAnswer(scene: FuzzScene, request: RawRequest, answer: RawAnswer, isPage = false): void {
  const bug = scene.bugs.shift();
  const told = () => `${request.method} ${request.path.slice(0, 500)} ${JSON.stringify(request.headers)} ${(request.body ?? "").toString().slice(0, 1_500)}`; // prettier-ignore
  if (bug) throw new Error(`A bug of ours: ${bug}\n${told()}`);
  if (answer.status === 0 || answer.status >= 500) throw new Error(`${answer.status} ${answer.text}\n${told()}`);
  if (answer.status < 400) return;
  // Above Node's own limit for heads, before any of our code.
  if (answer.status === 431 && JSON.stringify(request).length > 8_000) return;
  if (isPage && answer.type === "text/html") return;
  if (answer.type !== "application/problem+json") throw new Error(`${answer.status} as ${answer.type}: ${answer.text}\n${told()}`); // prettier-ignore
  const details = problemDetails.parse(JSON.parse(answer.text));
  if (details.status !== answer.status || !(details.code in problems)) throw new Error(`${answer.text}\n${told()}`);
}
