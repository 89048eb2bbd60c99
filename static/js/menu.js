// Keys, menus, tabs. The menus are <details> and open without this; here they only close again. "/" goes to search.
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

  // Tabs that do not fit are scrolled to the current one; never the page itself.
  document.addEventListener("DOMContentLoaded", () => {
    for (const tab of document.querySelectorAll(":is(.tabs, .subnav, .stack-nav) [aria-current]")) {
      const bar = tab.parentElement;
      if (bar.scrollWidth > bar.clientWidth) bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
    }
  });
})();
