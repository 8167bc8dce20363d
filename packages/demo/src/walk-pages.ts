import type { Github } from "./github-server.ts";

export type Page = { status: number; text: string; url: string; headers: Headers };
export type Walk = {
  url: string;
  /** Who is signed in at the local GitHub. */
  login: string;
  /** Another session at the server than the walker's own. */
  cookie?: string;
  form?: Record<string, string>;
};
type Of = {
  github: Pick<Github, "browserOf">;
  /** The control plane, and the session of who sits before the browser. */
  serverUrl: string;
  cookie: string;
};

/** What a person does in a browser to make the server's GitHub App and to connect a project by it. */
export function walkPages({ github, serverUrl, cookie: ownCookie }: Of) {
  /** Goes to an address, through every redirect. */
  async function walk({ url, login, cookie = ownCookie, form }: Walk): Promise<Page> {
    let at = url;
    let posted = form;
    for (let hops = 0; hops < 10; hops += 1) {
      const headers = at.startsWith(serverUrl) ? { cookie } : github.browserOf(login);
      const response = await fetch(at, {
        headers: {
          accept: "text/html,*/*",
          ...headers,
          ...(posted ? { "content-type": "application/x-www-form-urlencoded" } : {}),
        },
        redirect: "manual",
        ...(posted ? { method: "POST", body: new URLSearchParams(posted).toString() } : {}),
      });
      const next = response.headers.get("location");
      if (response.status !== 302 || !next)
        return { status: response.status, text: await response.text(), url: at, headers: response.headers };
      at = new URL(next, at).href;
      posted = undefined;
    }
    throw new Error(`No end of redirects from ${url}.`);
  }
  return {
    walk,
    /** The server's page with the manifest, its button, GitHub's page and the way back. */
    async makeApp(login: string): Promise<Page> {
      const page = await walk({ url: `${serverUrl}/api/github/manifest`, login });
      const [, action = "", manifest = ""] =
        /action="([^"]+)"[\s\S]*name="manifest" value="([^"]+)"/.exec(page.text) ?? [];
      return walk({ url: unescaped(action), login, form: { manifest: unescaped(manifest) } });
    },
    /** The project's page, its one link, GitHub's pages and the way back; installs on that repository where needed. */
    async connect(projectId: string, { login, repositoryId }: { login: string; repositoryId: number }): Promise<Page> {
      const page = await walk({ url: `${serverUrl}/api/github/connect/${projectId}`, login });
      const to = unescaped(/<a href="([^"]+)">Connect /.exec(page.text)?.[1] ?? "");
      if (!to.includes("/installations/new")) return to === "" ? page : walk({ url: to, login });
      const state = new URL(to).searchParams.get("state") ?? "";
      const form = { "repository_ids[]": String(repositoryId), state };
      return walk({ url: to.replace(/\/new\?.*$/, ""), login, form });
    },
  };
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
