import { Link } from "@tanstack/react-router";

export function NotFound() {
  return (
    <main className="narrow">
      <h1>There is nothing here</h1>
      <p>
        The address names no page. <Link to="/projects">All projects</Link>
      </p>
    </main>
  );
}
