// Ends the program with one sentence where Node is too old for wrangler (which asks for 22.12, as miniflare does) or for this folder.

const OLDEST = "22.12";

const [major, minor] = process.versions.node.split(".").map(Number);
const [oldestMajor, oldestMinor] = OLDEST.split(".").map(Number);

if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  console.error(
    `Node.js ${OLDEST} or newer is needed, and this is ${process.versions.node}: npm ci brings a newer one where there is one for this system ` +
      "(not with --omit=optional), or install it from https://nodejs.org.",
  );
  process.exit(1);
}
