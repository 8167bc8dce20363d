/**
 * Every variable that `feedback-chat-server` reads. The server's schema has exactly these keys, by type, and `up` passes
 * exactly these on: a setting cannot be read by one and dropped by the other.
 */
export const serverVariables = [
  "MODE",
  "PORT",
  "HOST",
  "PUBLIC_URL",
  "DATABASE_URL",
  "DATABASE_DIRECT_URL",
  "DATABASE_POOL_SIZE",
  "DATA_DIR",
  "MASTER_KEY",
  "MASTER_KEY_PREVIOUS",
  "LIMIT_REQUESTS",
  "LIMIT_STRANGERS",
  "LIMIT_WEBHOOKS",
  "OUTBOUND_ALLOW",
  "TRUSTED_PROXIES",
  "SMTP_URL",
  "MAIL_FROM",
  "GITHUB_CLIENT_ID",
  "GITHUB_CLIENT_SECRET",
  "METRICS_TOKEN",
  "GITHUB_API_URL",
  "GITHUB_URL",
  "ANTHROPIC_BASE_URL",
  "FEEDBACK_CHAT_FIGURES_SCALE",
  "FEEDBACK_CHAT_FIGURES",
  "FEEDBACK_CHAT_STOP_WITH_STDIN",
  "GIT_SHA",
  "FEEDBACK_CHAT_ENV",
] as const;
export type ServerVariable = (typeof serverVariables)[number];
