// Dragging items of a collection into another order. Without this the up and down buttons do the same.
(() => {
  const list = document.querySelector("[data-order]");
  if (!list) return;
  let dragged = null;

  const lines = () => [...list.children];
  const clear = () => lines().forEach((line) => line.classList.remove("is-target"));

  for (const line of lines()) {
    const grip = line.querySelector("[data-grip]");
    grip.hidden = false;
    line.addEventListener("pointerdown", (event) => {
      line.draggable = grip.contains(event.target); // Elsewhere links lead on and text can be selected.
    });
    line.addEventListener("dragstart", (event) => {
      dragged = line;
      line.classList.add("is-dragged");
      event.dataTransfer.effectAllowed = "move";
    });
    line.addEventListener("dragend", () => {
      line.classList.remove("is-dragged");
      line.draggable = false;
      clear();
      dragged = null;
    });
    line.addEventListener("dragover", (event) => {
      if (!dragged || dragged === line) return;
      event.preventDefault();
      clear();
      line.classList.add("is-target");
    });
    line.addEventListener("drop", async (event) => {
      if (!dragged || dragged === line) return;
      event.preventDefault();
      const moved = dragged;
      const down = lines().indexOf(moved) < lines().indexOf(line);
      const body = new FormData();
      body.set("csrfmiddlewaretoken", list.querySelector("[name=csrfmiddlewaretoken]").value);
      body.set("position", line.dataset.position);
      list.insertBefore(moved, down ? line.nextSibling : line);
      const answer = await fetch(moved.dataset.item, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
      if (answer.ok) location.reload(); // The buttons carry places, which all have changed.
    });
  }
})();
