// A licence that was ticked while new suggestions were on their way stays ticked, where they hold it too.
(() => {
  const ticked = () => document.querySelector("input[name=licence]:checked")?.value;
  let before;
  document.addEventListener("htmx:beforeSwap", () => {
    before = ticked();
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!before || before === ticked()) return;
    const same = document.querySelector(`input[name=licence][value="${CSS.escape(before)}"]`);
    if (same) same.checked = true;
  });
})();
