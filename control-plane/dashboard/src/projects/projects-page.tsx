import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { StageBadge } from "../frame/stage-badge.tsx";

export function ProjectsPage() {
  const projects = useQuery({ queryKey: ["projects"], queryFn: api.projects });
  return (
    <>
      <h1>Projects</h1>
      {projects.error && <ProblemCard error={projects.error} onRetry={() => void projects.refetch()} />}
      {projects.isPending && <p aria-busy="true">Loading…</p>}
      {projects.data?.items.length === 0 && <FirstProject />}
      {projects.data && projects.data.items.length > 0 && (
        <ul className="rows">
          {projects.data.items.map((project) => (
            <li key={project.id} className="row">
              <Link to="/projects/$projectId" params={{ projectId: project.id }} className="title">
                {project.name}
              </Link>
              <span className="faint">{project.githubRepo}</span>
              {project.isPaused && <span className="badge">Paused</span>}
              {project.lastRun && <StageBadge stage={project.lastRun.stage} waitingFor={project.lastRun.waitingFor} />}
              <span className="faint">{project.runCount === 1 ? "1 run" : `${project.runCount} runs`}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function FirstProject() {
  return (
    <div className="card">
      <h2>No project yet</h2>
      <p>A project is one app and its GitHub repository. Make the first one in a terminal:</p>
      <pre>feedback-chat projects create my-app --repo owner/name</pre>
    </div>
  );
}
