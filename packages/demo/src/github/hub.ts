import type { AppState, GithubApp, Installation } from "./apps/app-state.ts";

export const roles = ["none", "read", "triage", "write", "maintain", "admin"] as const;
export type Role = (typeof roles)[number];

export type User = {
  id: number;
  login: string;
  type: "User" | "Organization" | "Bot";
  email: string;
};

/** The fine-grained permissions that a route may ask for, named as GitHub names them. */
export type Permission =
  | "metadata" | "contents" | "issues" | "pull_requests" | "workflows" | "deployments"
  | "statuses" | "checks" | "repository_hooks" | "administration"; // prettier-ignore
export type Level = "read" | "write";
export type Permissions = Partial<Record<Permission, Level>>;

export type Token = {
  /** `app_user`: what an app may do in the name of a person. */
  kind: "classic" | "fine_grained" | "installation" | "app_user";
  user: User;
  permissions: Permissions;
  scopes: string[];
  /** Ids of the repositories that it reaches; null = all that its user reaches. */
  repositoryIds: Set<number> | null;
  expiresAt: Date | null;
  /** Of an app's tokens: they reach what it covers, while it is not suspended. */
  installation?: Installation;
  /** Of a person's token: what any of its installations covers. */
  app?: GithubApp;
};

export type Label = { id: number; name: string; color: string; description: string | null };
export type Comment = { id: number; author: User; body: string; createdAt: Date; updatedAt: Date };

export type Pull = {
  id: number;
  headRef: string;
  headSha: string;
  baseRef: string;
  baseSha: string;
  isDraft: boolean;
  mergedAt: Date | null;
  mergedBy: User | null;
  mergeCommitSha: string | null;
};

/** Issues and pull requests share one sequence of numbers; a pull request is an issue with `pull`. */
export type Issue = {
  id: number;
  number: number;
  title: string;
  body: string | null;
  author: User;
  labels: Label[];
  state: "open" | "closed";
  stateReason: "completed" | "not_planned" | "reopened" | null;
  createdAt: Date;
  updatedAt: Date;
  closedAt: Date | null;
  closedBy: User | null;
  comments: Comment[];
  /** Who put which label on it or took it off, oldest first. */
  labelHistory: LabelChange[];
  pull?: Pull;
};
export type LabelChange = { id: number; event: "labeled" | "unlabeled"; label: Label; actor: User; createdAt: Date };

export type DeploymentState = "error" | "failure" | "inactive" | "in_progress" | "queued" | "pending" | "success";
export type DeploymentStatus = {
  id: number;
  state: DeploymentState;
  description: string;
  environmentUrl: string;
  targetUrl: string;
  creator: User;
  createdAt: Date;
};
export type Deployment = {
  id: number;
  sha: string;
  ref: string;
  environment: string;
  isProduction: boolean;
  creator: User;
  createdAt: Date;
  statuses: DeploymentStatus[];
};

export type CommitStatus = {
  id: number;
  sha: string;
  state: "error" | "failure" | "pending" | "success";
  context: string;
  description: string | null;
  targetUrl: string | null;
  creator: User;
  createdAt: Date;
};
export type CheckRun = {
  id: number;
  sha: string;
  name: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: "success" | "failure" | "neutral" | "cancelled" | "skipped" | "timed_out" | "action_required" | null;
  startedAt: Date;
  completedAt: Date | null;
};

export type Delivery = {
  id: number;
  guid: string;
  deliveredAt: Date;
  isRedelivery: boolean;
  durationSeconds: number;
  /** 0 while it was not answered, as when nobody listened. */
  statusCode: number;
  event: string;
  action: string | null;
  request: { headers: Record<string, string>; payload: unknown; body: string };
  response: { headers: Record<string, string>; payload: string };
  installationId: number | null;
  repositoryId: number | null;
};
export type Hook = {
  id: number;
  url: string;
  secret: string | null;
  contentType: "json" | "form";
  events: string[];
  isActive: boolean;
  createdAt: Date;
  updatedAt: Date;
  deliveries: Delivery[];
  /** Of an app's one webhook. */
  appId?: number;
};

export type Repository = {
  id: number;
  owner: User;
  name: string;
  /** Full names that it had before a rename; GitHub goes on answering them with 301. */
  formerNames: string[];
  isPrivate: boolean;
  isArchived: boolean;
  hasIssues: boolean;
  defaultBranch: string;
  protectedBranches: Set<string>;
  /** Of its one ruleset, each for the branches that begin so. They are told, and hold nobody up. */
  rules: { branches: string; rule: { type: string; parameters?: object } }[];
  createdAt: Date;
  pushedAt: Date;
  gitDir: string;
  roles: Map<string, Role>;
  labels: Map<string, Label>;
  issues: Map<number, Issue>;
  nextNumber: number;
  hooks: Map<number, Hook>;
  deployments: Deployment[];
  statuses: CommitStatus[];
  checkRuns: CheckRun[];
  /** Refs as of the last look, so that a push can be told from what was there. */
  refs: Map<string, string>;
  /** Ends, well or not, when the look that is under way has ended. */
  lastSync: Promise<void>;
};

/** What every verb of the double gets: the state, the clock, the way out to the webhooks. */
export type Hub = {
  /** `http://127.0.0.1:<port>`, known as soon as the server listens. */
  origin: string;
  folder: string;
  searchPath: string;
  now(): Date;
  newId(): number;
  users: Map<string, User>;
  tokens: Map<string, Token>;
  repositories: Map<number, Repository>;
  apps: AppState;
  /** Queues a webhook to every hook of the repository, and of the apps installed on it, that listens to this event. */
  emit(repository: Repository, event: string, payload: Record<string, unknown>, sender: User): void;
  /** What happens to an installation, which every app hears of its own. */
  emitToApp(app: GithubApp, event: string, payload: Record<string, unknown>, sender: User): void;
  pingApp(app: GithubApp): void;
};
