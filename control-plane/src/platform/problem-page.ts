import { problems, type Problem } from "@feedback-chat/protocol/problem";
import { link, paragraph, renderPage } from "./render-page.ts";

/** A problem as a browser's page: what happened, and what to do next. Addresses in the next step can be clicked. */
export function problemPage(problem: Problem): Response {
  const { code } = problem;
  const [before = "", url] = problem.next.split(/(https?:\/\/\S+)$/);
  const next = url ? `${paragraph(before)}${link(url, url)}` : paragraph(problem.next);
  const logIn = code === "unauthenticated" ? link("/login", "Log in, then open this address again") : "";
  const content = `${paragraph(problem.message)}${next}${logIn}`;
  const { status, title } = problems[code];
  return new Response(renderPage(title, content), {
    status,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
}
