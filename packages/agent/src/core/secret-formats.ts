export type SecretFormat = {
  name: string;
  /** A complete one, anywhere in a text. */
  pattern: RegExp;
};

/** Formats of well-known secrets: found by shape, whoever's they are. */
export const secretFormats: readonly SecretFormat[] = [
  token("Anthropic key", ["sk-ant-"], { chars: "[A-Za-z0-9_-]", least: 16, most: 200 }),
  token("GitHub token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], {
    chars: "[A-Za-z0-9]",
    least: 30,
    most: 255,
  }),
  token("GitHub token", ["github_pat_"], { chars: "[A-Za-z0-9_]", least: 22, most: 255 }),
  token("feedback-chat key", ["fcp_", "fcw_", "fcu_", "fce_"], {
    chars: "[A-Za-z0-9]",
    least: 24,
    most: 80,
  }),
  token("OpenAI key", ["sk-proj-", "sk-svcacct-"], {
    chars: "[A-Za-z0-9_-]",
    least: 20,
    most: 200,
  }),
  token("AWS access key", ["AKIA", "ASIA"], { chars: "[A-Z0-9]", least: 16, most: 16 }),
  token("Google key", ["AIza"], { chars: "[A-Za-z0-9_-]", least: 35, most: 35 }),
  token("Slack token", ["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"], {
    chars: "[A-Za-z0-9-]",
    least: 10,
    most: 200,
  }),
  token("Stripe key", ["sk_live_", "rk_live_"], { chars: "[A-Za-z0-9]", least: 16, most: 200 }),
  token("npm token", ["npm_"], { chars: "[A-Za-z0-9]", least: 36, most: 36 }),
  {
    name: "private key",
    pattern: /-----BEGIN [A-Z ]{0,60}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]{0,4000}/g,
  },
];

type Shape = { chars: string; least: number; most: number };

function token(name: string, heads: string[], { chars, least, most }: Shape): SecretFormat {
  const head = `(?:${heads.join("|")})`;
  return {
    name,
    pattern: new RegExp(`${head}${chars}{${least},${most}}`, "g"),
  };
}
