// What was asked in this browser, in a dialog: the same lists and forms as on the page at /conversations.
import { at, build, fill, humanDate, slot, texts } from "./chat.js";

const dialog = build("history"), ask = at("ask");
document.body.append(dialog);
let waiting = 0, latest = null; // of several lists under way only the one asked for last is shown

export function openHistory() {
  dialog.showModal();
  const words = dialog.querySelector("input[name=q]");
  words.value = "";
  words.focus();
  load();
}

async function load() {
  const words = dialog.querySelector("input[name=q]").value.trim();
  await show(fetch(`/conversations?q=${encodeURIComponent(words)}`, { headers: { Accept: "application/json" } }), words);
}

async function show(answer, words = "") {
  latest = answer;
  const response = await answer.catch(() => null);
  if (latest !== answer) return;
  if (!response?.ok) return fill(dialog, { none: texts.failed });
  const { conversations } = await response.json();
  slot(dialog, "pasts").replaceChildren(...conversations.map(buildPast));
  fill(dialog, { none: conversations.length ? "" : words ? texts.history_not_found : texts.history_none });
  slot(dialog, "all").hidden = !conversations.length;
  return conversations;
}

function buildPast(it) {
  const item = build("past"), link = slot(item, "past"), address = `/conversations/${encodeURIComponent(it.id)}`;
  link.setAttribute("href", it.href);
  link.firstElementChild.textContent = it.title;
  fill(item, {
    past_meta: `${humanDate(it.began)} · ${it.turns} ${it.turns === 1 ? texts.turns_one : texts.turns}`,
    past_name: `: ${it.title}`,
  });
  for (const name of ["rename", "delete"]) slot(item, name).setAttribute("action", address);
  slot(item, "rename").elements.title.value = it.title.slice(0, 120);
  slot(item, "markdown").setAttribute("href", `${address}.md`);
  slot(item, "json").setAttribute("href", `${address}.json`);
  return item;
}

dialog.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { target, submitter } = event;
  if (target.method === "get") return load();
  const body = new URLSearchParams(new FormData(target, submitter)), open = ask.elements.namedItem("conversation_id").value;
  // Whatever was done, the server sends on to the list as it is now.
  const left = await show(fetch(target.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } }));
  if (submitter.value?.startsWith("delete") && left && open && !left.some((it) => it.id === open)) location.assign("/");
  else dialog.querySelector("input[name=q]").focus();
});

dialog.addEventListener("input", (event) => {
  if (event.target.name !== "q") return;
  clearTimeout(waiting);
  waiting = setTimeout(load, 200);
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-do=close]")) dialog.close(); // its own area is the backdrop's
});
