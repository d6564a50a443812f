// A server of the Model Context Protocol over standard input and output, as small as one can be: it has one tool, `echo`,
// and notes with which arguments and variables it was started, in the file that its first argument names.

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [started, name, ...given] = process.argv.slice(2);
writeFileSync(started, JSON.stringify({ command: [name, ...given], environment: process.env }));

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "consumers", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({
    tools: [
      {
        name: "echo",
        description: "says what it is told",
        inputSchema: { type: "object", properties: { text: { type: "string" } } },
      },
    ],
  }),
  "tools/call": ({ arguments: given }) => ({ content: [{ type: "text", text: given?.text ?? "" }] }),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  // What has no id is a notice and wants no answer.
  if (id === undefined) return;
  const answer = answers[method];
  const said = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: `no method ${method}` } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...said })}\n`);
});
