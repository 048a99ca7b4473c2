// The conversation: asks without reloading the page. All text goes in by textContent into copies of <template>s.
import { askWithoutDates, keepEditing, limits, startComposer, startEditing, stopEditing } from "./composer.js";

export const at = (id) => document.getElementById(id);
export const slot = (root, name) => root.querySelector(`[data-slot="${name}"]`);
export const build = (name) => at(`t-${name}`).content.firstElementChild.cloneNode(true);
export const texts = JSON.parse(at("chat").dataset.texts);
export const say = (text) => (at("status").textContent = text);
export const put = (text, ...values) => values.reduce((filled, value) => filled.replace("%s", () => value), text);
export const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button);

export function fill(root, values) {
  for (const [name, value] of Object.entries(values)) {
    const element = slot(root, name);
    element.textContent = value;
    element.hidden = value === "";
  }
}

export function humanDate(iso) {
  if (!iso) return "";
  if (iso.includes("/")) return iso.split("/").map(humanDate).join(` ${texts.to} `);
  const [year, month, day] = iso.slice(0, 10).split("-");
  return [day && String(Number(day)), month && texts.months[month - 1], String(Number(year))].filter(Boolean).join(" ");
}

const form = at("ask"), box = at("question"), log = at("log");
const conversation = form.elements.namedItem("conversation_id");
const DRAFT = "verbatim-question", LEAVING = "leaving";
const fullSentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
const nearEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 160;
let pending = null; // the question that waits for its reply, and what stops it

async function fetchReply(asking, signal) {
  let response, reply;
  try {
    response = await fetch("/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(asking),
      signal,
    });
    reply = await response.json();
  } catch {
    throw new Error(texts.unreachable);
  }
  if (!response.ok) throw new Error(reply.detail ? fullSentence(reply.detail) : texts.unreachable);
  return reply;
}

async function ask(question) {
  const controller = new AbortController(), timer = setTimeout(() => controller.abort(), 120_000);
  const asking = { question, ...limits() };
  if (conversation.value) asking.conversation_id = conversation.value;
  pending = { question, controller };
  form.querySelector(".send").setAttribute("aria-disabled", "true");
  const away = takeAway(asking.replaces), exchange = build("exchange");
  slot(exchange, "question").textContent = question;
  log.append(exchange);
  stopEditing();
  exchange.scrollIntoView({ block: "start", behavior: "instant" }); // at once, or nearEnd() would be asked on the way
  say(texts.searching);
  try {
    const [reply, answers] = await Promise.all([fetchReply(asking, controller.signal), import("./answers.js")]);
    const follow = nearEnd();
    answers.showReply(exchange, reply, asking);
    if (follow) exchange.scrollIntoView({ block: "start" });
    settle(reply);
    say(announcement(reply));
  } catch (error) {
    if (controller.signal.reason === LEAVING) {
      exchange.remove();
      say("");
    } else showProblem(exchange, error.message);
    if (controller.signal.reason === LEAVING || asking.replaces !== undefined) log.prepend(...away);
    if (asking.replaces !== undefined) keepEditing(asking);
    box.value = box.value.trim() ? `${question}\n${box.value}` : question;
  }
  clearTimeout(timer);
  pending = null;
  form.querySelector(".send").removeAttribute("aria-disabled");
}

// What the question takes the place of: the welcome, or the turn that is asked anew and all after it.
function takeAway(replaces) {
  const away = [...log.children].filter(
    (each) => each.matches(".welcome, .exchange:not([id])") || (replaces !== undefined && Number(each.id.slice(1)) >= replaces),
  );
  const kept = replaces === undefined ? [] : [...log.children].filter((each) => !away.includes(each));
  away.forEach((each) => each.remove());
  return [...kept, ...away];
}

function settle(reply) {
  conversation.value = reply.conversation_id;
  document.title = `${reply.question} – ${texts.name}`;
  history.replaceState(null, "", `/c/${encodeURIComponent(reply.conversation_id)}`);
}

function announcement(reply) {
  if (!reply.answered) return texts.refusal;
  const count = new Set(reply.answers.flatMap((each) => each.citations.map((it) => it.article_id))).size;
  return `${put(texts.ready, `${count} ${count === 1 ? texts.sources_one : texts.sources}`)}.`;
}

function showProblem(exchange, detail) {
  const problem = build("problem");
  fill(problem, { detail });
  slot(exchange, "looking").hidden = true;
  slot(exchange, "edit").hidden = true;
  slot(exchange, "reply").replaceChildren(problem);
  say(`${texts.failed} ${detail}`);
}

// ---- the tab's memory of a question that was left waiting ------------------------------------------

function stored(text) {
  try {
    const before = sessionStorage.getItem(DRAFT);
    if (text) sessionStorage.setItem(DRAFT, text);
    else sessionStorage.removeItem(DRAFT);
    return before;
  } catch {
    return null;
  }
}

function putBack(event) {
  const question = stored("");
  const last = log.querySelector(".exchange:last-of-type [data-slot=question]")?.textContent;
  if (question && !event.persisted && question !== last) box.value ||= question; // a page only hidden has it already
}

// ---- events: what is needed for them is loaded when they first occur ------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = (event.submitter?.name === "suggestion" ? event.submitter.value : box.value).trim();
  if (!question || pending) return;
  box.value = "";
  box.focus();
  ask(question);
});

log.addEventListener("click", async (event) => {
  const target = event.target.closest("a, button");
  if (!target || !isPlain(event)) return;
  const { slot: name, do: action } = target.dataset;
  if (name === "edit" || name === "edit_searched") {
    event.preventDefault();
    startEditing(target.closest(".exchange"), name === "edit_searched");
  } else if (name === "no_dates") {
    event.preventDefault();
    askWithoutDates(target.closest(".exchange"));
  } else if (name === "why" || action === "copy") {
    event.preventDefault();
    const evidence = await import("./evidence.js");
    if (action) evidence.copyAnswer(target);
    else evidence.showWhy(target);
  } else if (name === "title" || name === "reference") {
    event.preventDefault();
    (await import("./reader.js")).openReader(target);
  }
});

log.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { target, submitter } = event;
  (await import("./evidence.js")).judge(target, submitter);
});

for (const kind of ["pointerover", "focusin"])
  log.addEventListener(kind, async (event) => {
    const reference = event.target.closest(".reference");
    if (reference) (await import("./preview.js")).showPreview(reference);
  });

at("history-link")?.addEventListener("click", async (event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  (await import("./history.js")).openHistory(event.target);
});

at("new").addEventListener("click", (event) => {
  if (isPlain(event)) pending?.controller.abort(LEAVING); // opened elsewhere, this page stays
});

addEventListener("pagehide", () => {
  if (!pending) return;
  stored(pending.question);
  pending.controller.abort(LEAVING);
});

addEventListener("pageshow", putBack);
box.addEventListener("focus", () => import("./answers.js"), { once: true });
for (const button of log.querySelectorAll("[data-do=copy]")) button.hidden = false;
startComposer();
