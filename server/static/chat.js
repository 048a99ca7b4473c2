// Asks without reloading the page. All text goes in by textContent into copies of the page's <template>s.
"use strict";

const at = (id) => document.getElementById(id);
const form = at("ask"), box = at("question"), log = at("log"), live = at("status");
const conversation = form.elements.namedItem("conversation_id");
const texts = JSON.parse(at("chat").dataset.texts);
const KEPT = "verbatim-conversation";
let asking = false;

// ---- words -------------------------------------------------------------------------------------

function humanDate(iso) {
  if (!iso) return "";
  if (iso.includes("/")) return iso.split("/").map(humanDate).join(` ${texts.to} `);
  const [year, month, day] = iso.slice(0, 10).split("-");
  return [day && String(Number(day)), month && texts.months[month - 1], String(Number(year))].filter(Boolean).join(" ");
}

function humanConfidence(confidence) {
  const [, words] = texts.confidence.find(([lowest]) => confidence >= lowest) ?? texts.confidence.at(-1);
  return `${words}, ${Math.min(99, Math.max(1, Math.floor(confidence * 100 + 0.5)))}\u00a0%`;
}

function humanResolved(answer) {
  const day = humanDate(answer.resolved_date);
  return day && day !== answer.text ? `${texts.resolved} ${day}` : "";
}

const meta = (it) => (it.source ? `${it.source} · ` : "") + (humanDate(it.published) || texts.undated);

// Offsets count code points; a JavaScript string counts some of them twice.
function markedPassage(it) {
  const points = Array.from(it.passage.text), start = it.start - it.passage.start, end = it.end - it.passage.start;
  return [points.slice(0, start).join(""), it.quote, points.slice(end).join("")];
}

// The words may occur in the sentence more than once: that occurrence is meant at which sentence and passage agree.
function markedSentence(answer) {
  const passage = answer.citations[0].passage.text, at = markedPassage(answer.citations[0])[0].length;
  const { sentence, text } = answer;
  for (let found = sentence.indexOf(text); found >= 0; found = sentence.indexOf(text, found + 1)) {
    const shift = at - found, first = Math.max(0, shift), last = Math.min(passage.length, shift + sentence.length);
    if (passage.slice(first, last) === sentence.slice(first - shift, last - shift))
      return [sentence.slice(0, found), text, sentence.slice(found + text.length)];
  }
  return ["", text, ""];
}

// ---- building ----------------------------------------------------------------------------------

const build = (name) => at(`t-${name}`).content.firstElementChild.cloneNode(true);
const slot = (root, name) => root.querySelector(`[data-slot="${name}"]`);

function fill(root, values) {
  for (const [name, value] of Object.entries(values)) {
    const element = slot(root, name);
    element.textContent = value;
    element.hidden = value === "";
  }
}

function fillMarked(root, [before, words, after]) {
  slot(root, "before").textContent = before;
  slot(root, "words").textContent = words;
  slot(root, "after").textContent = after;
}

function fillLink(link, href, text) {
  link.setAttribute("href", href);
  if (text) link.firstElementChild.textContent = text;
}

function buildCitation(it, kind = "citation") {
  const item = build(kind), original = slot(item, "original");
  item.value = it.number;
  fillLink(slot(item, "title"), `${it.href}#w`, it.title || it.article_id);
  fill(item, { meta: meta(it) });
  if (it.original && /^https?:/i.test(it.original)) fillLink(original, it.original);
  else original.remove();
  fillMarked(item, markedPassage(it));
  if (kind === "nearest") fill(item, { confidence: humanConfidence(it.confidence) });
  slot(item, "copies").hidden = !it.copies.length;
  slot(item, "copies_list").append(...it.copies.map(buildCopy));
  return item;
}

function buildCopy(it) {
  const item = build("copy");
  fillLink(slot(item, "copy"), it.href, it.title || it.article_id);
  fill(item, { copy_meta: meta(it) });
  return item;
}

function buildEarlier(it) {
  const item = build("earlier");
  fill(item, { old: it.text, old_date: humanDate(it.published) || texts.undated });
  slot(item, "old_citations").append(...it.citations.map((each) => buildCitation(each)));
  return item;
}

function buildAnswer(it) {
  const section = build("answer");
  fillMarked(section, markedSentence(it));
  fill(section, {
    confidence: humanConfidence(it.confidence),
    resolved: humanResolved(it),
  });
  slot(section, "conflict").hidden = it.status !== "conflicting";
  slot(section, "earlier").hidden = !it.earlier.length;
  slot(section, "earlier_list").append(...it.earlier.map(buildEarlier));
  slot(section, "citations").append(...it.citations.map((each) => buildCitation(each)));
  return section;
}

function buildReply(reply) {
  if (!reply.answered) {
    const fragment = at("t-refusal").content.cloneNode(true);
    fill(fragment, { near: reply.nearest.length ? texts.nearest : texts.nothing_near });
    slot(fragment, "nearest").append(...reply.nearest.map((each) => buildCitation(each, "nearest")));
    return [fragment];
  }
  const [best, ...others] = reply.answers.map(buildAnswer);
  return others.length ? [best, build("others"), ...others] : [best];
}

function showReply(exchange, reply) {
  const different = reply.searched_for !== reply.question;
  fill(exchange, { searched_for: different ? reply.searched_for : "" });
  slot(exchange, "searched").hidden = !different;
  slot(exchange, "looking").hidden = true;
  slot(exchange, "reply").replaceChildren(...buildReply(reply));
}

function addExchange(question) {
  at("welcome")?.remove();
  const exchange = build("exchange");
  fill(exchange, { question });
  log.append(exchange);
  return exchange;
}

// ---- asking ------------------------------------------------------------------------------------

const nearEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 160;

function announce(reply) {
  const [best] = reply.answers;
  live.textContent = best
    ? `${best.text}. ${humanConfidence(best.confidence)}, ${texts.and_citations} ${best.citations[0].title}.`
    : texts.refusal;
}

async function fetchReply(question) {
  const body = { question };
  if (conversation.value) body.conversation_id = conversation.value;
  let response;
  try {
    response = await fetch("/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(120_000),
    });
  } catch {
    throw new Error(texts.unreachable);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail || texts.unreachable);
  return answer;
}

async function ask(question) {
  asking = true;
  form.lastElementChild.setAttribute("aria-disabled", "true");
  const exchange = addExchange(question);
  exchange.scrollIntoView({ block: "start", behavior: "instant" }); // at once, or nearEnd() would be asked on the way
  live.textContent = texts.looking;
  try {
    const reply = await fetchReply(question);
    const follow = nearEnd();
    showReply(exchange, reply);
    if (follow) exchange.scrollIntoView({ block: "start" });
    conversation.value = reply.conversation_id;
    announce(reply);
    keep(reply);
  } catch (error) {
    const problem = build("problem");
    fill(problem, { detail: error.message });
    slot(exchange, "looking").hidden = true;
    slot(exchange, "reply").replaceChildren(problem);
    live.textContent = `${texts.failed} ${error.message}`;
    if (!box.value) box.value = question;
  }
  asking = false;
  form.lastElementChild.removeAttribute("aria-disabled");
}

// ---- the way back from an article: this tab remembers its conversation ------------------------------

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

function keep(reply) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify([...kept(), reply].slice(-20)));
  } catch {
    // No storage, or none left: the conversation is only on the page.
  }
}

function forget() {
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing was kept.
  }
}

function restore() {
  if (!at("welcome")) return forget(); // the server rendered a conversation, that one goes on
  for (const reply of kept()) {
    showReply(addExchange(reply.question), reply);
    conversation.value = reply.conversation_id;
  }
  if (!at("welcome")) scrollTo(0, document.documentElement.scrollHeight);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = (event.submitter?.name === "suggestion" ? event.submitter.value : box.value).trim();
  if (!question || asking) return;
  box.value = "";
  box.focus();
  ask(question);
});

box.addEventListener("keydown", (event) => {
  // While a word is being composed Enter takes the proposal; Safari says so by key code only.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
});

at("new").addEventListener("click", forget);
restore();
