// Asks without reloading the page. All text goes in by textContent into copies of the page's <template>s.
"use strict";

const at = (id) => document.getElementById(id);
const form = at("ask"), box = at("question"), log = at("log"), live = at("status");
const conversation = form.elements.namedItem("conversation_id");
const texts = JSON.parse(at("chat").dataset.texts);
const welcome = at("welcome"); // none when the server rendered a conversation
const KEPT = "verbatim-conversation", DRAFT = "verbatim-question";
const LEAVING = "leaving";
const replies = []; // of this tab, oldest first
let pending = null; // the question that waits for its reply, and what stops it

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

const fullSentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

const meta = (it) => (it.source ? `${it.source} · ` : "") + (humanDate(it.published) || texts.undated);

// Offsets count code points; a JavaScript string counts some of them twice.
function markedPassage(it) {
  const points = Array.from(it.passage.text), start = it.start - it.passage.start, end = it.end - it.passage.start;
  return [points.slice(0, start).join(""), it.quote, points.slice(end).join("")];
}

// The words may occur in the sentence more than once: the one meant is that with which it stands in the passage.
function markedSentence(answer) {
  const passage = answer.citations[0].passage.text, at = markedPassage(answer.citations[0])[0].length;
  const { sentence, text } = answer;
  for (let found = sentence.indexOf(text); found >= 0; found = sentence.indexOf(text, found + 1)) {
    const shift = at - found;
    if (shift >= 0 && passage.startsWith(sentence, shift))
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
  return exchange;
}

function buildExchange(question) {
  const exchange = build("exchange");
  fill(exchange, { question });
  return exchange;
}

function addExchanges(...exchanges) {
  welcome?.remove();
  log.append(...exchanges);
}

// ---- asking ------------------------------------------------------------------------------------

const nearEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 160;

function announce(reply) {
  const [best] = reply.answers;
  live.textContent = best
    ? `${best.text}. ${humanConfidence(best.confidence)}, ${texts.and_citations} ${best.citations[0].title}.`
    : texts.refusal;
}

const asTurn = ({ question, answers: [best] }) =>
  ({ question, answer: best?.text ?? "", article_id: best?.citations[0].article_id ?? null });

async function fetchReply(question, signal) {
  const body = { question };
  if (conversation.value) body.conversation_id = conversation.value;
  if (welcome) body.history = replies.slice(-20).map(asTurn); // the server may have forgotten
  let response, answer;
  try {
    response = await fetch("/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      signal,
    });
    answer = await response.json();
  } catch {
    throw new Error(texts.unreachable);
  }
  if (!response.ok) throw new Error(answer.detail ? fullSentence(answer.detail) : texts.unreachable);
  return answer;
}

async function ask(question) {
  const controller = new AbortController(), timer = setTimeout(() => controller.abort(), 120_000);
  pending = { question, controller };
  form.lastElementChild.setAttribute("aria-disabled", "true");
  const exchange = buildExchange(question);
  addExchanges(exchange);
  exchange.scrollIntoView({ block: "start", behavior: "instant" }); // at once, or nearEnd() would be asked on the way
  live.textContent = texts.looking;
  try {
    const reply = await fetchReply(question, controller.signal);
    const follow = nearEnd();
    showReply(exchange, reply);
    if (follow) exchange.scrollIntoView({ block: "start" });
    conversation.value = reply.conversation_id;
    announce(reply);
    keep(reply);
  } catch (error) {
    if (controller.signal.reason === LEAVING) takeBack(exchange);
    else showProblem(exchange, error.message);
    putBack(question);
  }
  clearTimeout(timer);
  pending = null;
  form.lastElementChild.removeAttribute("aria-disabled");
}

function showProblem(exchange, detail) {
  const problem = build("problem");
  fill(problem, { detail });
  slot(exchange, "looking").hidden = true;
  slot(exchange, "reply").replaceChildren(problem);
  live.textContent = `${texts.failed} ${detail}`;
}

function takeBack(exchange) {
  exchange.remove();
  if (welcome && !log.children.length) log.append(welcome);
  live.textContent = "";
}

function putBack(question) {
  box.value = box.value.trim() ? `${question}\n${box.value}` : question;
}

// ---- the way back from an article: this tab remembers its conversation ------------------------------

function stored(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

function store(name, text) {
  try {
    if (text === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, text);
    return true;
  } catch {
    return false; // no storage, or none left: the conversation is only on the page
  }
}

function keep(reply) {
  replies.push(reply);
  for (let count = 20; count; count >>= 1)
    if (store(KEPT, JSON.stringify(replies.slice(-count)))) return;
}

const forget = () => store(KEPT, null);

function restore() {
  if (!welcome) return forget(); // the server's conversation goes on
  try {
    const kept = JSON.parse(stored(KEPT) ?? "[]");
    const exchanges = kept.map((reply) => showReply(buildExchange(reply.question), reply));
    if (!exchanges.length) return;
    conversation.value = kept.at(-1).conversation_id ?? "";
    replies.push(...kept);
    addExchanges(...exchanges);
    scrollTo(0, document.documentElement.scrollHeight);
  } catch {
    forget(); // kept by another version, or not by this page at all
  }
}

// ---- events ------------------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = (event.submitter?.name === "suggestion" ? event.submitter.value : box.value).trim();
  if (!question || pending) return;
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

at("new").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // opens elsewhere, this page stays
  pending?.controller.abort(LEAVING); // before its reply could be kept
  forget();
});

addEventListener("pagehide", () => {
  if (!pending) return;
  store(DRAFT, pending.question);
  pending.controller.abort(LEAVING);
});

addEventListener("pageshow", (event) => {
  const question = stored(DRAFT);
  store(DRAFT, null);
  if (question && !event.persisted) putBack(question); // a page that was only hidden has it back already
});

restore();
