import type { HttpProxies } from "@feedback-chat/protocol/http-proxies";

/** What programs that we start need to know of this machine's network. */
export type NetworkFacts = {
  httpProxies: HttpProxies;
  /** PEM file with all that git may trust; null = what the system's git trusts. */
  gitCertificatesFile: string | null;
  /** PEM file with the user's own authorities, for programs that have a list of their own, such as Node; null = none. */
  ownCertificatesFile: string | null;
};
