import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Trouble } from "./trouble.mjs";

/** The configuration that wrangler reads: the first of these that exists (https://developers.cloudflare.com/workers/wrangler/configuration/). */
const CONFIGURATIONS = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#.*|\/\/.*|\/\*[^]*?\*\//g;
const PLACEHOLDER = /["']?([\w-]+)["']?\s*[=:]\s*["'](<[^<>"'\n]+>)["']/g;

/** Throws where the configuration still says `<TENANT-ID>` or the like. A variable that is left out may be a secret, and passes. */
export function refusePlaceholders(root) {
  const name = CONFIGURATIONS.find((name) => existsSync(path.join(root, name)));
  if (!name) return;
  const told = readFileSync(path.join(root, name), "utf8").replace(STRING_OR_COMMENT, (text) => (/^["']/.test(text) ? text : ""));
  const left = [...told.matchAll(PLACEHOLDER)].map(([, variable, value]) => `${variable} is ${value}`);
  if (left.length) {
    throw new Trouble(
      `${name} still holds placeholders (${left.join(", ")}), so nothing is deployed: write your own values there. Both ids are on the ` +
        "overview page of the app registration in Microsoft Entra.",
    );
  }
}
