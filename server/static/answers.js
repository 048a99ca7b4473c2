// A reply as it is shown: copies of the page's <template>s, filled.
import { at, build, fill, humanDate, put, slot, texts } from "./chat.js";
import { fillCorrection, fillTimeline, fillWarning } from "./newness.js";

// ---- words -------------------------------------------------------------------------------------

export const humanPercent = (share) => `${Math.floor(share * 100 + 0.5)}\u00a0%`;

export function humanConfidence(confidence) {
  const [, words] = texts.confidence.find(([lowest]) => confidence >= lowest) ?? texts.confidence.at(-1);
  return `${words}, ${humanPercent(Math.min(0.99, Math.max(0.01, confidence)))}`;
}

function humanResolved(answer) {
  const day = humanDate(answer.resolved_date);
  return day && day !== answer.text ? `${texts.resolved} ${day}` : "";
}

export const meta = (it) => (it.source ? `${it.source} · ` : "") + (humanDate(it.published) || texts.undated);

const badge = (it) => (Array.from(it.source || it.title).find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? "·").toUpperCase();

function narrowed(asking) {
  const dates = [[texts.after, asking.published_after], [texts.before, asking.published_before]];
  const said = dates.filter(([, day]) => day).map(([word, day]) => `${word} ${humanDate(day)}`);
  return [...said, ...(asking.sources ?? [])].join(" · ");
}

function humanUnderstood(it) {
  if (!it) return "";
  const after = humanDate(it.after), before = humanDate(it.before);
  let period = after && before ? `${after} ${texts.to} ${before}` : "";
  if (it.after === it.before) period = after;
  else if (!period) period = (after ? `${texts.after} ${after}` : before && `${texts.before} ${before}`).toLowerCase();
  return it.text && period ? put(texts.understood, it.text, period) : "";
}

// Offsets count code points; a JavaScript string counts some of them twice.
function markedPassage(it) {
  const points = Array.from(it.passage.text), start = it.start - it.passage.start, end = it.end - it.passage.start;
  return [points.slice(0, start).join(""), it.quote, points.slice(end).join("")];
}

// The words may occur in the sentence more than once: the one meant is that with which it stands in the passage.
function markedSentence(answer) {
  const passage = answer.citations[0].passage.text, start = markedPassage(answer.citations[0])[0].length;
  const { sentence, text } = answer;
  for (let found = sentence.indexOf(text); found >= 0; found = sentence.indexOf(text, found + 1)) {
    const shift = start - found;
    if (shift >= 0 && passage.startsWith(sentence, shift))
      return [sentence.slice(0, found), text, sentence.slice(found + text.length)];
  }
  return ["", text, ""];
}

// ---- building ----------------------------------------------------------------------------------

function fillMarked(root, [before, words, after]) {
  slot(root, "before").textContent = before;
  slot(root, "words").textContent = words;
  slot(root, "after").textContent = after;
}

function fillLink(link, href, text) {
  link.setAttribute("href", href);
  if (text) link.firstElementChild.textContent = text;
}

const add = (path, query) => `${path}${path.includes("?") ? "&" : "?"}${query}`;

// Where words are marked, with the way back to this conversation.
const place = (it, reply) => `${add(it.href, `conversation=${encodeURIComponent(reply.conversation_id)}`)}#w`;

function buildCitation(it, reply, kind = "citation") {
  const item = build(kind), original = slot(item, "original");
  item.value = it.number;
  item.id = `s${reply.turn}-${it.number}`;
  fillLink(slot(item, "title"), place(it, reply), it.title || it.article_id);
  fill(item, { number: it.number, badge: badge(it), meta: meta(it) });
  if (it.original && /^https?:/i.test(it.original)) fillLink(original, it.original);
  else original.remove();
  fillMarked(item, markedPassage(it));
  if (kind === "nearest") fill(item, { confidence: humanConfidence(it.confidence) });
  fillCorrection(item, it);
  slot(item, "copies").hidden = !it.copies.length;
  slot(item, "copies_list").append(...it.copies.map((copy) => buildCopy(copy, reply)));
  return item;
}

function buildCopy(it, reply) {
  const item = build("copy");
  fillLink(slot(item, "copy"), add(it.href, `conversation=${encodeURIComponent(reply.conversation_id)}`), it.title || it.article_id);
  fill(item, { copy_meta: meta(it) });
  return item;
}

function buildReference(it, reply) {
  const link = build("reference");
  link.setAttribute("href", place(it, reply));
  link.dataset.source = `s${reply.turn}-${it.number}`;
  slot(link, "number").textContent = it.number;
  return link;
}

function buildEarlier(it, reply) {
  const item = build("earlier");
  fill(item, { old: it.text, old_date: humanDate(it.published) || texts.undated });
  slot(item, "old_citations").append(...it.citations.map((each) => buildCitation(each, reply)));
  return item;
}

function fillTools(root, reply, number) {
  const why = slot(root, "why"), judging = slot(root, "judging");
  why.setAttribute("href", `/c/${encodeURIComponent(reply.conversation_id)}/${reply.turn}/why`);
  why.textContent = reply.answered ? texts.why : texts.why_not;
  if (number) why.remove();
  const copy = root.querySelector("[data-do=copy]");
  copy.hidden = false;
  if (!reply.answered) copy.remove();
  if (!judging) return;
  judging.elements.conversation_id.value = reply.conversation_id;
  judging.elements.turn.value = reply.turn;
  judging.elements.answer.value = number;
}

function buildAnswer(it, number, reply) {
  const section = build("answer");
  fillMarked(section, markedSentence(it));
  fill(section, { confidence: humanConfidence(it.confidence), resolved: humanResolved(it) });
  slot(section, "references").append(...it.citations.map((each) => buildReference(each, reply)));
  slot(section, "conflict").hidden = it.status !== "conflicting";
  fillTimeline(section, it);
  slot(section, "earlier").hidden = !it.earlier.length;
  slot(section, "earlier_list").append(...it.earlier.map((each) => buildEarlier(each, reply)));
  slot(section, "citations").append(...it.citations.map((each) => buildCitation(each, reply)));
  fillTools(section, reply, number);
  return section;
}

function buildReply(reply) {
  if (!reply.answered) {
    const fragment = at("t-refusal").content.cloneNode(true);
    fill(fragment, { near: reply.nearest.length ? texts.nearest : texts.nothing_near });
    slot(fragment, "nearest").append(...reply.nearest.map((each) => buildCitation(each, reply, "nearest")));
    fillTools(fragment, reply, 0);
    return [fragment];
  }
  const [best, ...others] = reply.answers.map((each, number) => buildAnswer(each, number, reply));
  return others.length ? [best, build("others"), ...others] : [best];
}

export function showReply(exchange, reply, asking) {
  const different = reply.searched_for !== reply.question;
  const conversation = `/c/${encodeURIComponent(reply.conversation_id)}`;
  exchange.id = `t${reply.turn}`;
  fill(exchange, {
    searched_for: different ? reply.searched_for : "",
    narrowed: narrowed(asking),
    understood_as: humanUnderstood(reply.understood),
    language: reply.language ? put(texts.language, reply.language) : "",
  });
  slot(exchange, "searched").hidden = !different;
  slot(exchange, "understood").hidden = !humanUnderstood(reply.understood);
  slot(exchange, "no_dates").setAttribute("href", `${conversation}?edit=${reply.turn}&dates=0#question`);
  slot(exchange, "edit").setAttribute("href", `${conversation}?edit=${reply.turn}#question`);
  slot(exchange, "edit_searched").setAttribute("href", `${conversation}?edit=${reply.turn}&searched=1#question`);
  fillWarning(exchange, reply);
  slot(exchange, "looking").hidden = true;
  slot(exchange, "reply").replaceChildren(...buildReply(reply));
}
