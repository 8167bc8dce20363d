/** Where a job's folders are seen inside the sandbox. */
export const insidePaths = {
  tree: "/work",
  task: "/task",
  home: "/home/agent",
  sockets: "/run/feedback-chat",
} as const;
