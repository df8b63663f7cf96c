// A module Worker that runs a Python Worker's own source on the stock Pyodide of npm, and calls it the way the native runtime does:
// `Default(ctx, env).scheduled(controller, None, None)`, three positional arguments.

import * as cloudflareSockets from "cloudflare:sockets";
import * as cloudflareWorkers from "cloudflare:workers";
import files from "./files.json.txt";
import pyodideWasm from "./pyodide.asm.wasm";
import stdlib from "./python_stdlib.zip";

const SOURCE = "/session/metadata"; // where the native runtime has them, so that tracebacks read the same
const LIBRARIES = `${SOURCE}/python_modules`;

const BEFORE_ANY_TICK = 0;
const now = Date.now;
const consoles = new Map([[BEFORE_ANY_TICK, []]]);
const endings = new Map();
let currentTick = () => BEFORE_ANY_TICK;
let starting;

export default {
  /**
   * One cron event. Before the cron expression the host puts a number of its own, to find the tick's console again, and by how many
   * milliseconds the Worker's clock is to be ahead.
   */
  async scheduled(event, env, ctx) {
    const [number, aheadMs, cron] = split(event.cron);
    Date.now = () => now() + aheadMs;
    consoles.set(number, []);
    const ending = { noRetry: false, exception: "" };
    endings.set(number, ending);
    const { UNSAFE_EVAL, ...bindings } = env;
    const controller = {
      cron,
      scheduledTime: event.scheduledTime,
      noRetry() {
        ending.noRetry = true;
        event.noRetry();
      },
    };
    const scheduled = await starting;
    ending.exception = await scheduled(number, ctx, bindings, controller);
    if (ending.exception) throw new Error(ending.exception);
  },

  /** The host's side door: start Python, or fetch what a tick has left. */
  async fetch(request, env) {
    const number = Number(new URL(request.url).pathname.slice(1));
    if (number === BEFORE_ANY_TICK) {
      starting ??= boot(env);
      try {
        await starting;
      } catch (error) {
        return Response.json({ exception: String(error.message ?? error).trimEnd(), console: take(number) });
      }
    }
    const ending = endings.get(number) ?? { exception: "" };
    endings.delete(number);
    return Response.json({ ...ending, console: take(number) });
  },
};

async function boot(env) {
  captureConsole();
  const pyodide = await withBrowserShims(env.UNSAFE_EVAL, async () => {
    const { loadPyodide } = await import("./pyodide.mjs");
    const { default: createPyodideModule } = await import("./pyodide.asm.mjs");
    return await loadPyodide({
      indexURL: "https://pyodide.invalid/",
      createPyodideModule,
      lockFileContents: { info: { abi_version: "2026_0", arch: "wasm32", platform: "emscripten_5_0_3", python: "3.14.2" }, packages: {} },
      stdout: (line) => console.log(line),
      stderr: (line) => console.error(line),
    });
  });
  pyodide.registerJsModule("_cloudflare_compat_flags", { python_request_headers_preserve_commas: true, python_workflows_implicit_dependencies: true });
  pyodide.registerJsModule("_pyodide_entrypoint_helper", {
    cloudflareWorkersModule: cloudflareWorkers,
    cloudflareSocketsModule: cloudflareSockets,
    doAnImport: (name) => import(name),
    patchWaitUntil() {},
  });
  for (const [path, text] of Object.entries(JSON.parse(files))) {
    const place = `${SOURCE}/${path}`;
    pyodide.FS.mkdirTree(place.slice(0, place.lastIndexOf("/")));
    pyodide.FS.writeFile(place, text);
  }
  const python = pyodide.runPython(PYTHON);
  if (python.has("failure")) throw new Error(python.get("failure"));
  currentTick = python.get("current_tick");
  return python.get("scheduled");
}

const PYTHON = `
def prepare():
    import contextvars, importlib, io, js, sys, traceback

    class Stream(io.TextIOBase):  # Pyodide's own streams write without the GIL, when nobody could ask which tick is running
        def __init__(self, console):
            self.console, self.rest = console, ""

        def writable(self):
            return True

        def write(self, text):
            *lines, self.rest = (self.rest + text).split("\\n")
            for line in lines:
                self.console(line)
            return len(text)

    sys.stdout, sys.stderr = Stream(js.console.log), Stream(js.console.error)
    sys.path[:0] = ["${SOURCE}", "${LIBRARIES}"]
    try:
        entry = importlib.import_module("entry")
    except BaseException:
        return {"failure": traceback.format_exc().rstrip()}
    tick = contextvars.ContextVar("tick", default=${BEFORE_ANY_TICK})

    async def scheduled(number, ctx, env, controller):
        tick.set(number)
        try:
            await entry.Default(ctx, env).scheduled(controller, None, None)
        except BaseException as error:
            here = error.__traceback__
            return "".join(traceback.format_exception(error.with_traceback(here and here.tb_next))).rstrip()
        return ""

    return {"scheduled": scheduled, "current_tick": tick.get}

prepare()
`;

// Ticks may overlap in one isolate: each line goes to the tick whose Python context wrote it. Python is asked only where there are
// several, so that what a tick prints costs in `make bench` what it costs in a deployment, and no more.
function captureConsole() {
  for (const level of ["debug", "log", "info", "warn", "error"]) {
    console[level] = (...values) => {
      const [, alone, another] = consoles.values();
      const lines = another ? consoles.get(currentTick()) : alone;
      (lines ?? consoles.get(BEFORE_ANY_TICK)).push({ level, values: values.map(jsonValue) });
    };
  }
}

function jsonValue(value) {
  if (typeof value === "string") return value;
  try {
    const text = JSON.stringify(value);
    return text === undefined ? String(value) : JSON.parse(text);
  } catch {
    return String(value);
  }
}

function take(number) {
  const lines = consoles.get(number) ?? [];
  consoles.delete(number);
  if (number === BEFORE_ANY_TICK) consoles.set(number, []);
  return lines;
}

function split(event) {
  const [number, aheadMs, ...cron] = event.split("|");
  return [Number(number), Number(aheadMs), cron.join("|")];
}

// Pyodide is to take workerd for a browser's worker, so what it then looks for is lent to it while it loads, and what would make it
// think of Node is hidden. What remains is only that WebAssembly made from bytes goes through the binding that workerd allows it through.
async function withBrowserShims(unsafeEval, load) {
  const { Module, instantiate } = WebAssembly;
  WebAssembly.Module = new Proxy(Module, { construct: (_, [bytes]) => unsafeEval.newWasmModule(bytes) });
  WebAssembly.instantiate = async (source, imports) => {
    if (source instanceof Module) return instantiate(source, imports);
    const module = unsafeEval.newWasmModule(source);
    return { module, instance: await instantiate(module, imports) };
  };
  WebAssembly.instantiateStreaming = async (_, imports) => ({
    module: pyodideWasm,
    instance: await instantiate(pyodideWasm, imports),
  });
  const giveBack = lend({
    process: undefined,
    MessageChannel: undefined, // its events would belong to the request that loads, not to the tick that waits
    location: new URL("https://pyodide.invalid/"),
    addEventListener() {},
    fetch: async (url) => new Response(String(url).endsWith("python_stdlib.zip") ? stdlib : null),
  });
  try {
    return await load();
  } finally {
    giveBack();
  }
}

function lend(globals) {
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete globalThis[name];
    }
  };
}
