import type { Endpoint, EndpointEvent } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { type RawBuilder, sql } from "kysely";
import type { SealedFor } from "../platform/sealing.ts";

export type EndpointRow = {
  id: string;
  url: string;
  description: string;
  events: EndpointEvent[];
  is_disabled: boolean;
  disabled_reason: string | null;
  previous_until: Date | null;
  created_at: Date;
};

/** Never the secret. */
export const endpointColumns: RawBuilder<unknown> = sql`
  id, url, description, events, is_disabled, disabled_reason,
  case when secret_previous_until > now() then secret_previous_until end as previous_until, created_at`;

export function toEndpoint(row: EndpointRow): Endpoint {
  return {
    id: idOf("ep", row.id),
    url: row.url,
    description: row.description,
    events: row.events,
    isDisabled: row.is_disabled,
    disabledReason: row.disabled_reason,
    previousSecretUntil: row.previous_until?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}

/** What the sealed secret of that endpoint belongs to. */
export function secretOf(projectId: string, endpointId: string): SealedFor {
  return { projectId, id: endpointId, type: "endpoint_secret", version: 1 };
}
