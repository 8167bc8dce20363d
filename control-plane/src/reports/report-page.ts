/** The reporter's page. It says nothing by itself: the script reads the token from the fragment and asks for the report. */
export const reportHtml = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Your report</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/r/page.css">
<main>
  <h1>Your report</h1>
  <p id="says" role="status" aria-live="polite">One moment…</p>
  <noscript><p>This page needs JavaScript: your link is a secret that only your browser may read.</p></noscript>
  <blockquote id="text" hidden></blockquote>
  <p id="preview" hidden><a rel="noreferrer noopener" target="_blank">Look at the change</a></p>
  <p id="question" hidden></p>
  <form id="words" hidden>
    <label for="comment" id="label"></label>
    <textarea id="comment" maxlength="2000" required rows="4"></textarea>
    <button id="send">Send</button>
  </form>
  <p id="verdict" hidden><button id="confirm" type="button">It is right now</button></p>
</main>
<script src="/r/page.js"></script>
</html>
`;

export const reportCss = `body{font:1rem/1.5 system-ui,sans-serif;margin:0;padding:1.5rem;color:#1a1a1a;background:#fff}
main{max-width:40rem;margin:auto}blockquote{white-space:pre-wrap;margin:1rem 0;padding-left:1rem;border-left:3px solid #767676}
textarea{display:block;width:100%;box-sizing:border-box;font:inherit;margin:.5rem 0}button{font:inherit;padding:.5rem 1rem}
#question{white-space:pre-wrap;font-weight:600}[hidden]{display:none}
@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}a{color:#8ab4ff}}
`;

/** Text goes in as text alone; the token goes into the header alone. */
export const reportScript = `"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const show = (id, isShown) => { by(id).hidden = !isShown; };
  const token = location.hash.slice(1);
  const path = "/v1/reports/" + encodeURIComponent(location.pathname.split("/").pop());
  let verb = "answer";

  async function ask(rest, body) {
    const response = await fetch(path + rest, {
      method: body ? "POST" : "GET",
      headers: { authorization: "Bearer " + token, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      referrerPolicy: "no-referrer",
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail || answer.title);
    return answer;
  }

  function render(report) {
    by("says").textContent = report.confirmedAt ? report.says + " You said that it is right." : report.says;
    by("text").textContent = report.text;
    show("text", true);
    const isPreview = /^https?:\\/\\//.test(report.previewUrl || "");
    if (isPreview) by("preview").firstElementChild.href = report.previewUrl;
    show("preview", isPreview);
    by("question").textContent = report.question || "";
    show("question", report.question !== null);
    verb = report.question === null ? "reopen" : "answer";
    by("label").textContent = verb === "answer" ? "Your answer" : "Not right yet? Say what is missing. It may be shown in public.";
    show("words", report.question !== null || report.canReopen);
    show("verdict", report.canConfirm && report.confirmedAt === null);
  }

  async function act(work) {
    document.querySelectorAll("button").forEach((button) => { button.disabled = true; });
    try {
      render(await work());
      by("comment").value = "";
    } catch (error) {
      by("says").textContent = error.message;
    } finally {
      document.querySelectorAll("button").forEach((button) => { button.disabled = false; });
    }
  }

  by("words").addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => ask("/" + verb, { comment: by("comment").value }));
  });
  by("confirm").addEventListener("click", () => act(() => ask("/confirm", {})));
  act(() => ask(""));
})();
`;
