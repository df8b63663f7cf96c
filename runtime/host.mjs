// Runs one Worker in workerd under Miniflare, on behalf of runtime/__init__.py. One JSON object a line: orders on stdin, answers on stdout.
//
//   {"start": {files or upload, vars, bindings, outbound, compatibilityDate, compatibilityFlags}} or {"restart": vars}  ->  {"console": [...], "exception": ""}
//   {"ticks": [{cron, scheduledTime, aheadMs}, ...]}                            ->  {"ticks": [{outcome, console, exception, noRetry, wallMs, cpuMs}, ...]}
//
// `files` are run on the stock Pyodide inside worker.mjs; `upload` is a folder that wrangler would have deployed, run on workerd's own
// Python. An order that fails is answered with {"failure": text}.

import { readFileSync, readdirSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { format } from "node:util";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr); // nothing else may speak on the answers' channel

const pyodide = path.dirname(createRequire(import.meta.url).resolve("pyodide/package.json"));
const here = import.meta.dirname;
let settings;
let miniflare;
let lastTick = 0;
let printed = []; // by the native Worker, which has no worker.mjs to keep its console

function options() {
  return convertV4MiniflareOptions({
    name: "worker",
    ...settings.bindings,
    ...(settings.upload ? nativeModules() : offlineModules()),
    compatibilityDate: settings.compatibilityDate,
    compatibilityFlags: settings.compatibilityFlags,
    bindings: settings.vars,
    outboundService: { node: forward },
    handleStructuredLogs({ level, message }) {
      process.stderr.write(`${level}: ${message}\n`);
      printed.push({ level, values: [message] });
    },
    cf: false,
    telemetry: { enabled: false },
  });
}

function offlineModules() {
  const asset = (type, name) => ({ type, path: path.join(here, name), contents: readFileSync(path.join(pyodide, name)) });
  return {
    modulesRoot: here,
    modules: [
      { type: "ESModule", path: path.join(here, "worker.mjs") },
      { type: "Text", path: path.join(here, "files.json.txt"), contents: JSON.stringify(settings.files) },
      asset("ESModule", "pyodide.mjs"),
      asset("ESModule", "pyodide.asm.mjs"),
      asset("CompiledWasm", "pyodide.asm.wasm"),
      asset("Data", "python_stdlib.zip"),
    ],
    unsafeEvalBinding: "UNSAFE_EVAL",
  };
}

function nativeModules() {
  const names = readdirSync(settings.upload, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort((one, other) => other.endsWith("/entry.py") - one.endsWith("/entry.py")); // the entry point comes first
  // In a deployment, too, what lies in python_modules is data, and only the Worker's own modules are Python modules.
  const type = (file) => (file.endsWith(".py") && !file.includes("/python_modules/") ? "PythonModule" : "Data");
  return { modulesRoot: settings.upload, modules: names.map((file) => ({ type: type(file), path: file, contents: readFileSync(file) })) };
}

/** Hand one outbound request of the Worker to the stand-in, byte for byte, with the host it was meant for beside it. */
function forward(request, response) {
  if (!settings.outbound) return response.destroy();
  const headers = { ...request.headers, "x-forwarded-host": request.headers.host };
  delete headers.host;
  delete headers["mf-custom-node-service"]; // Miniflare's own
  const { hostname, port } = new URL(settings.outbound);
  const onward = http.request({ hostname, port, method: request.method, path: request.url, headers }, (reply) => {
    response.writeHead(reply.statusCode, reply.statusMessage, reply.rawHeaders);
    reply.pipe(response);
    reply.on("error", () => response.destroy());
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

async function boot() {
  if (settings.upload) {
    await miniflare.ready;
    return { console: printed.splice(0), exception: "" };
  }
  const worker = await miniflare.getWorker("worker");
  const reply = await worker.fetch("http://runtime.invalid/0");
  return await reply.json();
}

async function tick({ cron, scheduledTime, aheadMs }) {
  if (settings.upload) return await nativeTick({ cron, scheduledTime });
  const worker = await miniflare.getWorker("worker");
  const number = ++lastTick;
  const began = performance.now();
  const { outcome } = await worker.scheduled({ cron: `${number}|${aheadMs}|${cron}`, scheduledTime: new Date(scheduledTime) });
  const wallMs = performance.now() - began;
  const reply = await worker.fetch(`http://runtime.invalid/${number}`);
  return { outcome, wallMs, ...(await reply.json()) };
}

async function nativeTick({ cron, scheduledTime }) {
  const worker = await miniflare.getWorker("worker");
  const began = performance.now();
  const { outcome, noRetry } = await worker.scheduled({ cron, scheduledTime: new Date(scheduledTime) });
  const wallMs = performance.now() - began;
  await new Promise((resolve) => setTimeout(resolve, 200)); // the console comes through a pipe, behind the outcome
  const lines = printed.splice(0);
  const traceback = outcome === "ok" ? undefined : lines.findLast(({ values }) => String(values[0]).includes("Traceback"));
  return {
    outcome,
    wallMs,
    noRetry: Boolean(noRetry),
    exception: traceback ? String(traceback.values[0]) : "",
    console: lines.filter((line) => line !== traceback),
  };
}

/** A line of the console with what `wrangler tail` makes of it (its src/tail/printing.ts): the level, and objects as Node prints them. */
function shown({ level, values }) {
  return { level, values, shown: format(`  (${level})`, ...values) };
}

/** CPU time of the processes this one has started, all threads, in milliseconds; null where /proc does not tell. */
function cpuMs() {
  try {
    const children = readdirSync("/proc/self/task").flatMap((id) => readFileSync(`/proc/self/task/${id}/children`, "utf8").split(" ").filter(Boolean));
    const threads = children.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}/schedstat`));
    return threads.reduce((sum, file) => sum + Number(readFileSync(file, "utf8").split(" ")[0]), 0) / 1e6;
  } catch {
    return null;
  }
}

async function obey(order) {
  if (order.start) {
    settings = order.start;
    miniflare = new Miniflare(options());
    return await boot();
  }
  if (order.restart) {
    settings.vars = order.restart;
    await miniflare.setOptions(options());
    return await boot();
  }
  const before = cpuMs();
  const ticks = await Promise.all(order.ticks.map(tick));
  const after = cpuMs();
  const each = before === null || after === null ? null : (after - before) / ticks.length;
  return { ticks: ticks.map((one) => ({ ...one, cpuMs: each })) };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await obey(JSON.parse(line));
    for (const one of reply.ticks ?? [reply]) one.console = one.console.map(shown);
  } catch (error) {
    reply = { failure: String(error.stack ?? error) };
  }
  answer(`${JSON.stringify(reply)}\n`);
}
await miniflare?.dispose();
process.exit(0);
