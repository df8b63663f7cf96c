// `make sdk`, after a change of requirements.txt: lists in python_modules.sha256 which files of the SDK are uploaded, with their digests.

import "./node.mjs";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { digestOf, filesIn } from "./files.mjs";
import { withSdk } from "./sdk.mjs";
import { complain } from "./trouble.mjs";

const ROOT = path.dirname(import.meta.dirname);

/** What this Worker has no use for. */
const LEFT_OUT = [
  /\.dist-info\//, /\.pyi$/, /py\.typed$/, /\.pth$/, /^bin\//, /^\.lock$/,
  /(^|\/)asgi\.py$/, /wsgi\.py$/, /^workers\/gateway\//, // for Workers that serve HTTP
  /workflows\.js$/, // for Workflows
  /^_workers_sdk_/, // patches of numpy, pydantic, aiohttp and other packages that are not there
];

try {
  await withSdk(ROOT, new AbortController().signal, (fetched) => {
    const names = filesIn(fetched).filter((name) => !LEFT_OUT.some((pattern) => pattern.test(name)));
    const lines = names.map((name) => `${digestOf(path.join(fetched, name))}  ${name}\n`);
    writeFileSync(path.join(ROOT, "deploy", "python_modules.sha256"), lines.join(""));
  });
} catch (error) {
  complain(error);
}
