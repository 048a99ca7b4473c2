// The passage behind a number, shown while it is pointed at or has the focus; Esc takes it away (WCAG 1.4.13).
import { at, slot } from "./chat.js";

const preview = document.createElement("div");
preview.id = "preview";
preview.className = "preview";
preview.setAttribute("role", "tooltip");
preview.hidden = true;
document.body.append(preview);
let shown = null, leaving = 0;

export function showPreview(reference) {
  clearTimeout(leaving);
  if (shown === reference) return;
  hide();
  const card = at(reference.dataset.source);
  if (!card) return;
  const about = document.createElement("p"), title = document.createElement("strong");
  title.textContent = slot(card, "title").textContent;
  about.append(title, ` ${slot(card, "meta").textContent}`);
  const passage = card.querySelector(".passage").cloneNode(true);
  preview.replaceChildren(about, passage);
  preview.hidden = false;
  shown = reference;
  reference.setAttribute("aria-describedby", "preview");
  place(reference);
  const mark = passage.querySelector("mark");
  preview.scrollTop = Math.max(0, mark.offsetTop + mark.offsetHeight - preview.clientHeight + 16);
}

// Below the number, or above it where there is more room; never over the box to write in.
function place(reference) {
  const link = reference.getBoundingClientRect();
  const below = innerHeight - at("ask").offsetHeight - link.bottom - 8, above = link.top - 8;
  const under = below >= Math.min(220, above);
  preview.style.maxHeight = `${Math.max(96, Math.min(320, under ? below : above))}px`;
  const left = Math.max(16, Math.min(link.left, document.documentElement.clientWidth - preview.offsetWidth - 16));
  preview.style.left = `${left + scrollX}px`;
  preview.style.top = `${(under ? link.bottom : link.top - preview.offsetHeight) + scrollY}px`;
}

function hide() {
  shown?.removeAttribute("aria-describedby");
  shown = null;
  preview.hidden = true;
}

// The way from the number to the preview leads over nothing; a moment is allowed for it.
function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    if (shown && !shown.matches(":hover, :focus-visible") && !preview.matches(":hover")) hide();
  }, 200);
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) {
    hide();
    event.stopImmediatePropagation(); // Esc closes one thing at a time
  }
}, true);
for (const kind of ["pointerout", "focusout"]) document.addEventListener(kind, leave);
document.addEventListener("click", (event) => event.target.closest(".reference") && hide());
