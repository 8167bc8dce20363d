import { useMutation, useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { textOf } from "./field.tsx";

/** Within the form whose e-mail it uses: a link instead of the password, and GitHub where it is set up. */
export function OtherWays() {
  const ways = useQuery({ queryKey: ["ways"], queryFn: api.ways });
  const ask = useMutation({ mutationFn: api.askLink });
  const github = useMutation({
    async mutationFn() {
      const { url } = await api.beginGithub();
      location.assign(url);
    },
  });
  const error = ask.error ?? github.error;
  return (
    <>
      <button
        type="button"
        disabled={ask.isPending}
        onClick={({ currentTarget: { form } }) => form && ask.mutate(textOf(new FormData(form), "email"))}
      >
        Send me a link
      </button>
      {ways.data?.hasGithub && (
        <button type="button" disabled={github.isPending} onClick={() => github.mutate()}>
          Continue with GitHub
        </button>
      )}
      {ask.data && <p role="status">{sentences[ask.data.linkWentTo]}</p>}
      {error && <ProblemCard error={error} />}
    </>
  );
}

const sentences = {
  mail: "If this address may come in, a link is on its way to it. It works once, for ten minutes.",
  operator_log:
    "This server sends no mail. If this address may come in, its operator finds the link in the log; it works once, for ten minutes.",
};
