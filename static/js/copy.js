// Copy buttons beside code. Without a clipboard they stay hidden, since selecting by hand still works.
(() => {
  const ready = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };

  document.addEventListener("DOMContentLoaded", () => ready(document));
  document.addEventListener("htmx:afterSwap", (event) => ready(event.target));

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.dataset.copy || button.parentElement.querySelector("pre, input").textContent;
    const use = button.querySelector("use");
    const icon = use.getAttribute("href");
    try {
      await navigator.clipboard.writeText(text);
      use.setAttribute("href", icon.replace(/#.*/, "#check"));
    } catch {
      use.setAttribute("href", icon.replace(/#.*/, "#x"));
    }
    setTimeout(() => use.setAttribute("href", icon), 1500);
  });
})();
