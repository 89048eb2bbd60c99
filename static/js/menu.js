// Keys and menus. The menus are <details> and open without this; here they only close again. "/" goes to search.
(() => {
  const open = () => document.querySelectorAll("details.pop[open]");

  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of open()) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      return;
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = [...document.querySelectorAll("[data-shortcut='/']")].find((input) => input.offsetParent);
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
