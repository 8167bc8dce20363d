import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./api.ts";

/** A refusal is final; what may be a moment's failure is tried again. Streams patch what they tell. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, error) => count < 3 && !(error instanceof ApiError && error.status < 500),
      },
    },
  });
}
