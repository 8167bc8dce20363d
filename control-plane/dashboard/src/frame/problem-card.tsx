import { ApiError } from "../api.ts";

type Props = { error: Error; onRetry?: () => void };

/** What went wrong, what to do next, and the number under which the server logged it. */
export function ProblemCard({ error, onRetry }: Props) {
  const isOurs = error instanceof ApiError;
  return (
    <div className="card problem" role="alert">
      <p>
        <strong>{isOurs ? error.message : "The server cannot be reached."}</strong>
      </p>
      <p>{isOurs ? error.next : "Check that it runs, then try again."}</p>
      {isOurs && error.requestId !== "" && <p className="faint">{error.requestId}</p>}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
