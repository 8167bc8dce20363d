/** A test asks more in a second than a person does in a minute; the limits have their own tests. */
export const noLimits = { LIMIT_REQUESTS: "1000000", LIMIT_STRANGERS: "1000000", LIMIT_WEBHOOKS: "1000000" };
