// The editor: how many lines, a preview for Markdown, and a word before what was written is lost.
const form = document.querySelector("#edit");
const area = form.querySelector("[data-editor]");
const count = form.querySelector("[data-lines]");
const button = form.querySelector("[data-preview]");
const path = form.elements.path;
const first = area.value;
let isSent = false;

function show() {
  const text = area.value.replace(/\n$/, "");
  const lines = area.value ? text.split("\n").length : 0;
  count.textContent = lines === 1 ? count.dataset.one : count.dataset.many.replace("{n}", lines.toLocaleString(document.documentElement.lang));
  button.hidden = !/\.(md|markdown)$/i.test(path.value);
}

area.addEventListener("input", show);
path.addEventListener("input", show);
form.addEventListener("submit", () => {
  isSent = true;
});
addEventListener("beforeunload", (event) => {
  if (!isSent && area.value !== first) event.preventDefault();
});
show();
