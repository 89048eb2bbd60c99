// The log of a running evaluation stays at its end, unless somebody scrolled up to read.
(() => {
  let wasAtEnd = true;
  const log = () => document.querySelector("[data-follow]");
  const toEnd = () => {
    const box = log();
    if (box && wasAtEnd) box.scrollTop = box.scrollHeight;
  };

  document.addEventListener("DOMContentLoaded", toEnd);
  document.addEventListener("htmx:beforeSwap", () => {
    const box = log();
    wasAtEnd = !box || box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
  });
  document.addEventListener("htmx:afterSettle", toEnd);
})();
