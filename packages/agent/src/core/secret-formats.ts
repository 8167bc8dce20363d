export type SecretFormat = {
  name: string;
  /** A complete one, anywhere in a text. */
  pattern: RegExp;
  /** One that reaches the text's end and may still grow with the next chunk. */
  growing: RegExp;
  /** What it always begins with: a text may end in the middle of that too. */
  heads: string[];
};

/** Formats of well-known secrets: found by shape, whoever's they are. */
export const secretFormats: readonly SecretFormat[] = [
  token("Anthropic key", ["sk-ant-"], "[A-Za-z0-9_-]", 16, 200),
  token("GitHub token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], "[A-Za-z0-9]", 30, 255),
  token("GitHub token", ["github_pat_"], "[A-Za-z0-9_]", 22, 255),
  token("feedback-chat key", ["fcp_", "fcw_", "fcu_", "fce_"], "[A-Za-z0-9]", 24, 80),
  token("OpenAI key", ["sk-proj-", "sk-svcacct-"], "[A-Za-z0-9_-]", 20, 200),
  token("AWS access key", ["AKIA", "ASIA"], "[A-Z0-9]", 16, 16),
  token("Google key", ["AIza"], "[A-Za-z0-9_-]", 35, 35),
  token(
    "Slack token",
    ["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"],
    "[A-Za-z0-9-]",
    10,
    200,
  ),
  token("Stripe key", ["sk_live_", "rk_live_"], "[A-Za-z0-9]", 16, 200),
  token("npm token", ["npm_"], "[A-Za-z0-9]", 36, 36),
  {
    name: "private key",
    pattern: /-----BEGIN [A-Z ]{0,60}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,4000}/g,
    growing: /-----BEGIN [A-Z ]{0,60}-{0,5}[A-Za-z0-9+/=\s\\]{0,4000}$/,
    heads: ["-----BEGIN "],
  },
];

function token(
  name: string,
  heads: string[],
  chars: string,
  least: number,
  most: number,
): SecretFormat {
  const head = `(?:${heads.join("|")})`;
  return {
    name,
    pattern: new RegExp(`${head}${chars}{${least},${most}}`, "g"),
    growing: new RegExp(`${head}${chars}{0,${most}}$`),
    heads,
  };
}
