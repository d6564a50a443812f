// Reads the files named on standard input with js-yaml, smol-toml or Node itself; one line of JSON for each.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// The packages lie in the folder that the caller made for them, not beside this file.
const require = createRequire(pathToFileURL(`${process.env.CONSUMERS_NODE}/package.json`));
const yaml = require("js-yaml");
const toml = await import(pathToFileURL(require.resolve("smol-toml")).href);

const readers = {
  yaml: ["js-yaml", (text) => yaml.load(text)],
  yml: ["js-yaml", (text) => yaml.load(text)],
  toml: ["smol-toml", (text) => toml.parse(text)],
  json: ["Node", (text) => JSON.parse(text)],
};

/** The tree as JSON can say it. */
function plain(tree) {
  if (tree instanceof Date) return `!time ${tree.toISOString()}`;
  if (Array.isArray(tree)) return tree.map(plain);
  if (tree !== null && typeof tree === "object") {
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, plain(value)]));
  }
  return tree;
}

for (const path of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [reader, read] = readers[path.slice(path.lastIndexOf(".") + 1)];
  const answer = { path, reader };
  try {
    answer.tree = plain(read(readFileSync(path, "utf8")));
  } catch (error) {
    answer.error = `${error.message}`;
  }
  console.log(JSON.stringify(answer));
}
