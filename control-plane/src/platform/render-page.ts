/** A plain page of ours: no script, the style of the other plain pages. `content` is HTML, everything else is text. */
export function renderPage(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/r/page.css">
<main>
  <h1>${escapeHtml(title)}</h1>
${content}
</main>
</html>
`;
}

export function paragraph(text: string): string {
  return `  <p>${escapeHtml(text)}</p>\n`;
}

/** Of http and https alone. */
export function link(url: string, text: string): string {
  const href = /^(https?:\/\/|\/(?!\/))/.test(url) ? url : "#";
  return `  <p><a href="${escapeHtml(href)}">${escapeHtml(text)}</a></p>\n`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
