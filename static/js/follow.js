// What a reader did to a live page survives its renewal: the log stays at its end unless somebody scrolled up to
// read, and what was unfolded stays unfolded.
(() => {
  let wasAtEnd = true;
  let unfolded = [];
  const log = () => document.querySelector("[data-follow]");
  const folds = () => [...document.querySelectorAll("#live details")];
  const restore = () => {
    const box = log();
    if (box && wasAtEnd) box.scrollTop = box.scrollHeight;
    folds().forEach((fold, place) => {
      fold.open = unfolded[place] ?? fold.open;
    });
  };

  document.addEventListener("DOMContentLoaded", restore);
  document.addEventListener("htmx:beforeSwap", () => {
    const box = log();
    wasAtEnd = !box || box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
    unfolded = folds().map((fold) => fold.open);
  });
  document.addEventListener("htmx:afterSettle", restore);
})();
