// The article beside the chat, or below it, with every place of it that this conversation cites; one of them is current.
import { build, fill, isPlain, put, slot, texts } from "./chat.js";

let reader = null, opener = null, wish = null, marks = [], current = 0;

export async function openReader(link) {
  const { pathname, search } = new URL(link.href), wanted = offsetsOf(link);
  wish = link; // an article that comes late does not take the place of one asked for after it
  if (pathname === "/articles/") return location.assign(link.href); // an id that only a query can hold
  if (reader && reader.dataset.path === pathname) {
    opener = link;
    const known = marks.findIndex(([start, end]) => start === wanted[0] && end === wanted[1]);
    if (known >= 0) return show(known);
  }
  const response = await fetch(`${pathname}.json`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (wish !== link) return;
  if (!response?.ok) return location.assign(link.href);
  const article = await response.json();
  opener = link;
  reader?.remove();
  reader = build("reader");
  reader.dataset.path = pathname;
  fillReader(article, link, wanted);
  reader.addEventListener("click", act);
  document.getElementById("log").after(reader);
  document.body.classList.add("beside");
  show(Math.max(0, current));
  reader.focus({ preventScroll: true });
}

export function closeReader() {
  wish = null;
  reader?.remove();
  reader = null;
  document.body.classList.remove("beside");
  if (opener?.isConnected) opener.focus();
}

function offsetsOf(link) {
  const query = new URL(link.href).searchParams;
  return [Number(query.get("start")), Number(query.get("end"))];
}

function fillReader(article, link, wanted) {
  const points = Array.from(article.text), { pathname } = new URL(link.href);
  const card = (link.dataset.source && document.getElementById(link.dataset.source)) || link.closest(".citation");
  marks = separate(points, [card, ...document.querySelectorAll("#log .citation")], pathname);
  current = marks.findIndex(([start, end]) => start === wanted[0] && end === wanted[1]);
  const author = article.authors.length ? ` · ${texts.by} ${article.authors.join(", ")}` : "";
  fill(reader, { title: article.title || article.id, meta: slot(card, "meta").textContent + author });
  slot(reader, "page").setAttribute("href", link.href);
  const original = slot(card, "original")?.getAttribute("href");
  if (original) slot(reader, "original").setAttribute("href", original);
  else slot(reader, "original").remove();
  slot(reader, "marks").hidden = marks.length < 2;
  slot(reader, "text").replaceChildren(...paragraphs(points));
  if (current < 0) slot(reader, "text").before(notice());
}

function notice() {
  const made = document.createElement("p");
  made.className = "moved";
  made.textContent = texts.moved;
  return made;
}

// The first card's words and those of the others that overlap neither it nor each other, in order; only words
// that stand there to the letter.
function separate(points, cards, pathname) {
  const kept = [];
  for (const card of cards) {
    const link = slot(card, "title"), [start, end] = offsetsOf(link);
    if (new URL(link.href).pathname !== pathname) continue;
    if (points.slice(start, end).join("") !== card.querySelector(".passage mark").textContent) continue;
    if (kept.every(([first, last]) => end <= first || last <= start)) kept.push([start, end]);
  }
  return kept.sort((one, other) => one[0] - other[0]);
}

function paragraphs(points) {
  const made = [];
  let from = 0;
  for (let to = 0; to <= points.length; to++) {
    if (to < points.length && points[to] !== "\n") continue;
    if (points.slice(from, to).join("").trim()) made.push(paragraph(points, from, to));
    from = to + 1;
  }
  return made;
}

function paragraph(points, from, to) {
  const made = document.createElement("p");
  made.dir = "auto";
  let done = from;
  marks.forEach(([start, end], number) => {
    const first = Math.max(start, done), last = Math.min(end, to);
    if (first >= last) return;
    const mark = document.createElement("mark");
    mark.dataset.number = number;
    mark.textContent = points.slice(first, last).join("");
    made.append(points.slice(done, first).join(""), mark);
    done = last;
  });
  made.append(points.slice(done, to).join(""));
  return made;
}

function show(number) {
  current = number;
  for (const mark of reader.querySelectorAll("mark")) mark.classList.toggle("other", Number(mark.dataset.number) !== number);
  slot(reader, "mark_of").textContent = put(texts.mark_of, number + 1, marks.length);
  const mark = reader.querySelector("mark:not(.other)");
  const beside = getComputedStyle(reader).position === "sticky";
  if (!mark) reader.scrollIntoView({ block: "start" });
  else if (!beside) mark.scrollIntoView({ block: "center" });
  else reader.scrollTop += mark.getBoundingClientRect().top - reader.getBoundingClientRect().top - reader.clientHeight / 3;
}

function act(event) {
  const { do: action } = event.target.closest("button")?.dataset ?? {};
  if (!action || !isPlain(event)) return;
  if (action === "close") return closeReader();
  show((current + (action === "next" ? 1 : marks.length - 1)) % marks.length);
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && reader && !document.querySelector("dialog[open]")) closeReader();
});
