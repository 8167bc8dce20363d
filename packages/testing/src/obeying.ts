import type { ScenarioInput } from "@feedback-chat/demo/model-server";

/** A model that reads the task, has the shell do `script` in the work tree, and says that it is done. */
export function obeying(script: string): ScenarioInput {
  return {
    name: "obey",
    about: "Does what the attacker wrote.",
    steps: [
      { text: "I read the task first.", tools: [{ name: "Read", input: { file_path: "{{task}}/issue.json" } }] },
      {
        text: "I do as I am told.",
        tools: [{ name: "Bash", input: { command: `cd {{tree}}\n${script}`, description: "Obey", timeout: 120_000 } }],
      },
      { text: "Done as told." },
    ],
  };
}
