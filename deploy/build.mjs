// wrangler's build step, before every `dev`, `deploy` and `versions upload`: refuses placeholders, and sees that python_modules holds
// Cloudflare's Python SDK. The runtime does not bring the SDK (https://developers.cloudflare.com/workers/languages/python/), and wrangler
// would upload a Worker without it that dies at its first import.

import "./node.mjs";
import path from "node:path";
import { refusePlaceholders } from "./placeholders.mjs";
import { provideSdk } from "./sdk.mjs";
import { Trouble, complain } from "./trouble.mjs";

const ROOT = path.dirname(import.meta.dirname);

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => interruption.abort(new Trouble("Interrupted: nothing is deployed, and nothing half-fetched is left behind.")));
}

try {
  if (process.env.WRANGLER_COMMAND !== "dev") refusePlaceholders(ROOT); // in development .dev.vars may have the values
  await provideSdk(ROOT, interruption.signal);
} catch (error) {
  complain(error);
}
