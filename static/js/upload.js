// The upload page: choose or drop files, send them, commit them, and say clearly what did not arrive.
import { basesIn, cardWith, licenceIn } from "./card.js";
import { Refusal, Wire, here, pageOf } from "./wire.js";

const form = document.querySelector("#upload");
const words = JSON.parse(document.querySelector("#upload-words").textContent);
const find = (name) => form.querySelector(`[data-${name}]`);
const AT_ONCE = 3;
const SKIPPED = /(^|\/)(\.git|__pycache__|\.cache)(\/|$)|(^|\/)(\.DS_Store|Thumbs\.db)$/;

const LICENCE_FILE = /^(un)?licen[cs]e|^copying/i;
const LICENCE_FIELDS = new Set(["licence", "typed", "license_name", "license_link"]);
const BASE_KEYS = { model: "base_model", dataset: "source_datasets" };

// Every file of the page: {path, file, state, sha256, row}. States: waiting, checking, sending, done, failed.
const chosen = new Map();
let made = form.dataset.repository || "";
let isSending = false;

for (const part of form.querySelectorAll("[data-needs-script]")) part.hidden = false;

// ── Words and sizes ──────────────────────────────────────────────────────────────────────────────
const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${form.dataset.sprite}#${name}`);
  svg.append(use);
  return svg;
}

const made_of = (tag, className, ...content) => {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...content);
  return element;
};

// ── Choosing ─────────────────────────────────────────────────────────────────────────────────────
function add(file, path) {
  const clean = path.replace(/^\/+/, "");
  if (form.dataset.replace) clear(); // One file takes the place of one file.
  if (!clean || SKIPPED.test(clean)) return;
  chosen.get(clean)?.row.remove();
  const entry = { path: clean, file, state: "waiting", sha256: "", sent: 0 };
  entry.row = rowOf(entry);
  chosen.set(clean, entry);
  find("files").append(entry.row);
  if (file.size > Number(form.dataset.maxBytes)) fail(entry, say("too_large", { size: size(Number(form.dataset.maxBytes)) }), true);
}

function clear() {
  for (const entry of chosen.values()) entry.row.remove();
  chosen.clear();
}

function rowOf(entry) {
  const name = made_of("div", "", made_of("b", "cut", entry.path), made_of("div", "small dim", size(entry.file.size)));
  const bar = made_of("progress", "");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", entry.path);
  const state = made_of("span", "small num", say("waiting"));
  const remove = made_of("button", "btn btn--s btn--icon btn--plain", icon("x"));
  remove.type = "button";
  remove.setAttribute("aria-label", say("remove", { name: entry.path }));
  remove.addEventListener("click", () => {
    if (isSending) return;
    chosen.delete(entry.path);
    entry.row.remove();
    noteCard();
  });
  return made_of("div", "file-row", icon("file"), name, bar, state, remove);
}

function show(entry, state, text, percent) {
  entry.state = state;
  const [, name, bar, cell] = entry.row.children;
  bar.className = state === "done" ? "is-done" : state === "failed" ? "is-failed" : "";
  bar.value = percent;
  cell.className = `small num${state === "done" ? " ok" : state === "failed" ? " wrong" : ""}`;
  cell.replaceChildren(...(state === "done" ? [icon("check"), " "] : []), text);
  if (state !== "failed") name.querySelector(".wrong")?.remove();
}

function fail(entry, reason, isFinal = false) {
  show(entry, "failed", say("failed"), 100);
  entry.isFinal = isFinal;
  const name = entry.row.children[1];
  name.querySelector(".wrong")?.remove();
  name.append(made_of("div", "small wrong", reason));
}

async function walk(item, folder = "") {
  if (item.isFile) {
    const file = await new Promise((resolve, reject) => item.file(resolve, reject));
    add(file, folder + item.name);
    return;
  }
  const reader = item.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // A hundred at a time.
    if (!some.length) return;
    for (const inner of some) await walk(inner, `${folder}${item.name}/`);
  }
}

for (const input of form.querySelectorAll("[data-pick]")) {
  input.addEventListener("change", () => {
    const found = [...input.files].map((file) => [file.webkitRelativePath.split("/").slice(1).join("/") || file.name, file]);
    for (const [path, file] of found.sort(([a], [b]) => a.localeCompare(b))) add(file, path);
    input.value = "";
    noteCard();
  });
}

const drop = find("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
drop.addEventListener("dragleave", (event) => {
  if (!drop.contains(event.relatedTarget)) drop.classList.remove("is-over");
});
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("is-over");
  // Both must be asked for before the first wait: afterwards the browser has forgotten what was dropped.
  const dropped = [...event.dataTransfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  for (const { entry, file } of dropped) {
    // What is inside a dropped folder goes to the top, as with the folder picker.
    if (entry?.isDirectory) await walkInside(entry);
    else if (file) add(file, file.name);
  }
  noteCard();
});

async function walkInside(folder) {
  const reader = folder.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const inner of some) await walk(inner);
  }
}

// ── What is still missing ────────────────────────────────────────────────────────────────────────
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;

function suggestion(name) {
  return name.trim().replace(/[^A-Za-z0-9._-]+/g, "-").replace(/-{2,}/g, "-").replace(/\.{2,}/g, ".").replace(/^[-.]+|[-.]+$/g, "").slice(0, 96);
}

function nameFault() {
  const field = form.elements.name;
  if (!field || made) return "";
  const name = field.value;
  if (!name) return say("need_name");
  if (NAME.test(name) && !/--|\.\.|\.git$/i.test(name)) return "";
  return say("bad_name", { name: suggestion(name) || "model-1" });
}

function markName(fault) {
  const field = form.elements.name;
  if (!field) return;
  const box = field.closest(".field");
  const hint = box.querySelector(".hint");
  box.classList.toggle("is-wrong", Boolean(fault));
  field.toggleAttribute("aria-invalid", Boolean(fault));
  if (hint) {
    hint.dataset.plain ??= hint.textContent;
    hint.textContent = fault || hint.dataset.plain;
  }
}

function refresh() {
  const all = [...chosen.values()];
  const bytes = all.reduce((sum, entry) => sum + entry.file.size, 0);
  find("total").textContent = all.length ? say("total", { count: all.length, size: size(bytes) }) : "";
  const missing = nameFault();
  const blocked = all.some((entry) => entry.isFinal);
  const why = isSending ? "" : !all.length ? say("need_files") : missing || (blocked ? say("remove_failed") : licenceFault());
  find("why").textContent = why;
  find("send").disabled = Boolean(why) || isSending;
}

// What the questions lead to comes anew from the hub, so it is looked up each time. "" is undecided.
function pickedLicence() {
  const picked = form.elements.licence?.value ?? "";
  return picked === "typed" ? form.elements.typed.value.trim() : picked;
}

const isOwn = () => pickedLicence().toLowerCase() === "other";
const valueOf = (name) => form.elements[name]?.value.trim() ?? "";
let cardLicence = "";

// What the choice of a licence still lacks, in words; "" is nothing.
function licenceFault() {
  if (!find("licence") || cardLicence) return "";
  if (!pickedLicence()) return say("need_licence");
  if (!isOwn()) return "";
  if (!valueOf("license_name")) return say("need_licence_name");
  return valueOf("license_link") || [...chosen.keys()].some((path) => LICENCE_FILE.test(path)) ? "" : say("need_licence_text");
}

async function noteCard() {
  const note = find("card-note");
  if (!note) return refresh();
  const card = chosen.get("README.md");
  const text = card ? await card.file.text() : "";
  cardLicence = licenceIn(text);
  note.hidden = !card;
  note.textContent = !card ? "" : cardLicence ? say("card_has_licence", { licence: cardLicence }) : say("card_gets_licence");
  const bases = basesIn(text).join(", ");
  if (bases && form.elements.bases && !valueOf("bases")) {
    form.elements.bases.value = bases;
    form.elements.bases.dispatchEvent(new Event("change", { bubbles: true })); // So that the hub narrows the choice.
  }
  refresh();
}

form.addEventListener("change", (event) => {
  if (LICENCE_FIELDS.has(event.target.name)) refresh();
});
for (const name of ["license_name", "license_link"]) form.elements[name]?.addEventListener("input", () => refresh());
form.elements.typed?.addEventListener("input", () => {
  const typed = form.querySelector("[name=licence][value=typed]");
  if (typed && form.elements.typed.value) typed.checked = true;
  refresh();
});
// A suggestion that was picked and is no longer suggested is picked no more.
document.addEventListener("htmx:afterSwap", () => refresh());

form.elements.name?.addEventListener("input", () => {
  if (form.elements.name.closest(".field").classList.contains("is-wrong")) markName(nameFault());
  refresh();
});
form.elements.name?.addEventListener("change", () => markName(form.elements.name.value ? nameFault() : ""));

// ── The card ─────────────────────────────────────────────────────────────────────────────────────
// The licence and what it was made from belong into the card: written into the one that is here, or into a new one.
async function cardToSend(name) {
  const licence = cardLicence || pickedLicence() === "later" ? "" : pickedLicence();
  const values = {
    license: licence,
    license_name: licence && isOwn() ? valueOf("license_name") : "",
    license_link: licence && isOwn() ? valueOf("license_link") || "LICENSE" : "",
    [BASE_KEYS[form.elements.kind?.value] ?? ""]: valueOf("bases").split(/[\s,;]+/).filter(Boolean),
  };
  const card = chosen.get("README.md");
  const before = card ? await card.file.text() : "";
  const after = cardWith(before, values, name);
  return after === before ? null : new File([after], "README.md");
}

// ── Sending ──────────────────────────────────────────────────────────────────────────────────────
const wire = new Wire({ csrf: form.elements.csrfmiddlewaretoken.value, offline: words.offline });
const hashing = new Worker(form.dataset.worker);
const waiting = new Map();
hashing.onmessage = ({ data }) => {
  const job = waiting.get(data.id);
  if (!job) return;
  if (data.done !== undefined) return job.progress(data.done);
  waiting.delete(data.id);
  if (data.fault) job.reject(new Error(data.fault));
  else job.resolve(data.digest);
};
let jobs = 0;
const digest = (file, progress) =>
  new Promise((resolve, reject) => {
    jobs += 1;
    waiting.set(jobs, { resolve, reject, progress });
    hashing.postMessage({ id: jobs, file });
  });

async function send(target, entry) {
  const total = entry.file.size || 1;
  try {
    if (!entry.sha256) {
      const checked = (bytes) => show(entry, "checking", say("checking"), (20 * bytes) / total);
      entry.sha256 = await digest(entry.file, checked);
    }
    const progress = (bytes) =>
      show(entry, "sending", say("sent", { sent: size(bytes), size: size(entry.file.size) }), 20 + (80 * bytes) / total);
    const wasSent = await wire.sendLarge(target, entry, progress);
    show(entry, "done", wasSent ? say("verified") : say("known"), 100);
  } catch (error) {
    fail(entry, error.message);
  }
}

async function inTurns(entries, work) {
  const queue = [...entries];
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

function fault(title, text) {
  const box = find("fault");
  box.hidden = !title;
  find("fault-title").textContent = title;
  find("fault-text").textContent = text;
  if (title) box.scrollIntoView({ block: "nearest" });
}

async function target() {
  if (form.dataset.repository) {
    const isProposed = new FormData(form).get("way") === "propose";
    return { kind: form.dataset.kind, repository: form.dataset.repository, revision: form.dataset.revision, isProposed };
  }
  const kind = form.elements.kind.value;
  if (!made) {
    const asked = { kind, owner: form.elements.owner.value, name: form.elements.name.value, visibility: form.elements.visibility.value };
    const answer = await wire.create(asked);
    made = answer.name || `${asked.owner}/${asked.name}`;
    // A second try goes on with what exists, so these may not change any more.
    for (const field of form.querySelectorAll("[name=owner], [name=name], [name=kind], [name=visibility]")) field.disabled = true;
  }
  return { kind: form.dataset.madeKind ?? (form.dataset.madeKind = kind), repository: made, revision: form.dataset.revision };
}

// Where a file goes: into the folder that was asked for, or in the place of the one file that is replaced.
function placed(path) {
  if (form.dataset.replace) return form.dataset.replace;
  const folder = (form.elements.folder?.value ?? "").trim().replace(/^\/+|\/+$/g, "");
  return folder ? `${folder}/${path}` : path;
}

async function publish() {
  const where = await target();
  const card = await cardToSend(where.repository.split("/")[1]);
  if (card) {
    add(card, "README.md");
  }
  const entries = [...chosen.values()];
  const asked = entries.filter((entry) => entry.state !== "done").map(({ path, file }) => ({ path: placed(path), file }));
  const modes = await wire.modes(where, asked);
  const large = [];
  for (const entry of entries) {
    const mode = modes.get(placed(entry.path));
    if (!mode) continue;
    if (mode.shouldIgnore) show(entry, "done", say("ignored"), 100);
    entry.isIgnored = mode.shouldIgnore;
    entry.isLarge = mode.uploadMode === "lfs";
    if (entry.isLarge && !entry.isIgnored) large.push(entry);
  }
  await inTurns(large, (entry) => send(where, entry));
  const lost = entries.filter((entry) => entry.state === "failed").length;
  if (lost) {
    fault(say("lost", { count: lost }), say("lost_help"));
    return;
  }
  const kept = entries.filter((entry) => !entry.isIgnored);
  const summary = form.elements.message.value.trim() || form.elements.message.placeholder;
  find("why").textContent = say("committing");
  const answer = await wire.commit(where, summary, kept.map(({ path, file, sha256, isLarge }) => ({ path: placed(path), file, sha256: isLarge ? sha256 : "" })));
  for (const entry of kept) show(entry, "done", say("verified"), 100);
  isSending = false;
  location.assign(answer.pullRequestUrl ? here(answer.pullRequestUrl) : pageOf(where));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  markName(nameFault());
  if (isSending || nameFault() || !chosen.size || licenceFault()) return refresh();
  isSending = true;
  fault("", "");
  refresh();
  find("send").querySelector("span").textContent = say("publishing");
  try {
    await publish();
  } catch (error) {
    if (error instanceof Refusal && error.status === 409 && !made) markName(error.message);
    fault(say("refused"), error.message);
  } finally {
    isSending = false;
    find("send").querySelector("span").textContent = say("publish");
    refresh();
  }
});

addEventListener("beforeunload", (event) => {
  if (isSending) event.preventDefault();
});
refresh();
