/** How a person is named in events until they choose a name: what stands before the @. */
export function loginFrom(email: string): string {
  const name = email.split("@")[0] ?? "";
  const login = name.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 39);
  return login.replace(/^-|-$/g, "") || "person";
}
