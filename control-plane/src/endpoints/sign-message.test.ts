import { expect, it } from "vitest";
import { mintEndpointSecret, signMessage } from "./sign-message.ts";

it("signs the specification's own example as its libraries do", () => {
  const headers = signMessage(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    sentAt: new Date(1_614_265_330_000),
    body: '{"test": 2432232314}',
  });
  expect(headers).toEqual({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

it("mints secrets of 32 random bytes", () => {
  expect(mintEndpointSecret()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(mintEndpointSecret()).not.toBe(mintEndpointSecret());
});
