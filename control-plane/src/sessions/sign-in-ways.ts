import type { BetterAuthOptions } from "better-auth";
import { genericOAuth, magicLink } from "better-auth/plugins";
import type { AppDeps } from "../app-deps.ts";
import { admitPerson } from "./admit-person.ts";
import { linkLifeSeconds, mailLink } from "./mail-link.ts";
import { readGithubPerson } from "./read-github-person.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config" | "log">;

/** Ways in beside the password, with the defaults of better-auth that are unsafe here changed. */
export function signInWays(deps: Deps, { publicUrl }: { publicUrl: string }) {
  return {
    plugins: [
      magicLink({
        expiresIn: linkLifeSeconds,
        storeToken: "hashed",
        sendMagicLink: ({ email, token }) => mailLink(deps, "magic_link", { email: email.toLowerCase(), token }),
      }),
      genericOAuth({ config: githubOf(deps) }),
    ],
    emailVerification: {
      sendOnSignIn: true,
      expiresIn: linkLifeSeconds,
      sendVerificationEmail: ({ user, token }) => mailLink(deps, "verify_email", { email: user.email, token }),
      afterEmailVerification: (user) => admitPerson(deps, user),
    },
    account: { updateAccountOnSignIn: false },
    onAPIError: { errorURL: `${publicUrl}/login` },
    databaseHooks: {
      session: {
        create: {
          async before({ userId }, context) {
            const account = await context?.context.internalAdapter.findUserById(userId);
            if (account) await admitPerson(deps, account);
          },
        },
      },
      // Who somebody is was all that we wanted to know: no token of theirs is kept.
      account: {
        create: {
          async before() {
            return { data: { accessToken: null, refreshToken: null, idToken: null } };
          },
        },
      },
    },
  } satisfies BetterAuthOptions;
}

function githubOf(deps: Deps) {
  const { githubSignIn, githubUrl } = deps.config;
  if (!githubSignIn) return [];
  return [
    {
      ...githubSignIn,
      providerId: "github",
      authorizationUrl: `${githubUrl}/login/oauth/authorize`,
      tokenUrl: `${githubUrl}/login/oauth/access_token`,
      scopes: ["read:user", "user:email"],
      pkce: true,
      getUserInfo: ({ accessToken }: { accessToken?: string | undefined }) => readGithubPerson(deps, accessToken ?? ""),
    },
  ];
}
