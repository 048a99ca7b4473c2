// Answers taken along with their citations, what was considered for them, and what a person thinks of them.
import { humanConfidence, humanPercent, meta } from "./answers.js";
import { at, build, fill, put, say, slot, texts } from "./chat.js";

// ---- copying: as text, and as markup made of elements -------------------------------------------------

const element = (name, ...children) => {
  const made = document.createElement(name);
  made.append(...children);
  return made;
};

function cited(answer) {
  return [...slot(answer, "citations").children].map((item) => ({
    number: slot(item, "number").textContent,
    title: slot(item, "title").textContent,
    about: slot(item, "meta").textContent,
    href: slot(item, "original")?.href ?? slot(item, "title").href,
  }));
}

function asText(answer, sources) {
  const numbers = sources.map((it) => `[${it.number}]`).join(" ");
  const list = sources.map((it) => `[${it.number}] ${it.title}. ${it.about}. ${it.href}`);
  return `“${answer.querySelector(".words").textContent}” ${numbers}\n\n${list.join("\n")}\n`;
}

function asMarkup(answer, sources) {
  const [before, words, after] = ["before", "words", "after"].map((name) => slot(answer, name).textContent);
  const quote = element("blockquote", before, element("strong", words), after);
  const list = sources.map((it) => {
    const link = element("a", it.title);
    link.href = it.href;
    return element("p", `[${it.number}] `, link, `. ${it.about}.`);
  });
  const whole = element("div", quote, element("p", sources.map((it) => `[${it.number}]`).join(" ")), ...list);
  return new XMLSerializer().serializeToString(whole);
}

export function copyAnswer(button) {
  const answer = button.closest(".answer"), before = button.textContent;
  const sources = cited(answer);
  let copied = false;
  // The clipboard's own interface is missing where the page is not from this machine and not encrypted.
  document.addEventListener("copy", (event) => {
    event.preventDefault();
    event.clipboardData.setData("text/plain", asText(answer, sources));
    event.clipboardData.setData("text/html", asMarkup(answer, sources));
    copied = true;
  }, { once: true, capture: true });
  document.execCommand("copy");
  const told = copied ? texts.copied : texts.not_copied;
  if (before === told) return;
  say((button.textContent = told));
  setTimeout(() => (button.textContent = before), 2_000);
}

// ---- why ---------------------------------------------------------------------------------------------

export async function showWhy(link) {
  const tools = link.closest(".tools"), open = tools.nextElementSibling;
  if (open?.matches(".reasons")) {
    open.remove();
    link.setAttribute("aria-expanded", "false");
    return;
  }
  if (link.dataset.busy) return;
  link.dataset.busy = "yes";
  const response = await fetch(link.href, { headers: { Accept: "application/json" } }).catch(() => null);
  delete link.dataset.busy;
  if (!response?.ok || !tools.isConnected) return say(texts.failed);
  const why = await response.json(), reasons = build("reasons");
  fill(reasons, {
    order: why.considered.length ? put(texts.why_order, humanPercent(why.threshold)) : texts.why_none,
  });
  slot(reasons, "considered").append(...why.considered.map(buildConsidered));
  tools.after(reasons);
  link.setAttribute("aria-expanded", "true");
}

function buildConsidered(it) {
  const item = build("considered"), link = slot(item, "title");
  link.setAttribute("href", `${it.href}#w`);
  link.firstElementChild.textContent = it.title || it.article_id;
  fill(item, {
    meta: meta(it),
    quote: it.quote ?? "",
    confidence: it.quote === null ? "" : humanConfidence(it.confidence),
    found_by: texts[`found_by_${it.found_by}`],
    score: it.score.toFixed(2),
    cosine: it.cosine.toFixed(2),
    bm25: it.bm25.toFixed(1),
    text: it.passage.text,
  });
  slot(item, "likeliest").hidden = it.quote === null;
  slot(item, "unread").hidden = it.quote !== null;
  return item;
}

// ---- feedback ----------------------------------------------------------------------------------------

export async function judge(form, button) {
  const verdict = button.value, body = new URLSearchParams(new FormData(form, button));
  const response = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (!response?.ok) return say(texts.failed);
  slot(form, "judge").hidden = true;
  fill(form, { judged: put(texts.judged, verdict) });
  slot(form, "judged").tabIndex = -1;
  slot(form, "judged").focus();
}
