// The box to write in: keys, the limits of a question as chips, an earlier question that is asked anew.
import { at, build, humanDate, slot, texts } from "./chat.js";

const SLASH = "verbatim-slash";
const form = document.getElementById("ask"), box = document.getElementById("question");
const field = (name) => form.elements.namedItem(name);
const chosen = () => [...form.querySelectorAll("input[name=sources]")].map((input) => input.value);

export function startComposer() {
  box.addEventListener("keydown", send);
  document.addEventListener("keydown", jump);
  field("published_after").addEventListener("change", showChips);
  field("published_before").addEventListener("change", showChips);
  field("source").addEventListener("change", addSource);
  field("source").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    event.preventDefault(); // Enter takes the source, it does not ask
    addSource();
  });
  at("chips").addEventListener("click", takeChipAway);
  at("stop-editing").addEventListener("click", (event) => {
    if (!box.dataset.editing) return; // the server's page of an edit: the link leads back
    event.preventDefault();
    box.value = "";
    stopEditing();
    box.focus();
  });
  at("hint").hidden = false;
  at("slash").checked = slashJumps();
  at("slash").addEventListener("change", (event) => remember(event.target.checked ? null : "off"));
  // What is scrolled to must not end up under the box.
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--composer", `${form.offsetHeight}px`);
  }).observe(form);
}

// The fields of POST /ask that stand in the form.
export function limits() {
  if (field("source").value.trim()) addSource();
  const sources = chosen(), asking = {};
  for (const name of ["published_after", "published_before"]) if (field(name).value) asking[name] = field(name).value;
  if (sources.length) asking.sources = sources;
  if (field("replaces").value) asking.replaces = Number(field("replaces").value);
  if (field("standalone").value) asking.standalone = true;
  if (field("dates").value) asking.dates = false;
  return asking;
}

export function startEditing(exchange, searched, dates = true) {
  keepEditing({ replaces: exchange.id.slice(1), standalone: searched, dates });
  box.value = slot(exchange, searched ? "searched_for" : "question").textContent;
  box.dataset.editing = "yes";
  box.focus();
}

// The next question takes that turn's place, and is asked in that way.
export function keepEditing({ replaces, standalone, dates }) {
  field("replaces").value = replaces;
  field("standalone").value = standalone ? "true" : "";
  field("dates").value = dates === false ? "false" : "";
  at("editing").hidden = false;
}

// The same question once more, without the days that it was taken to name.
export function askWithoutDates(exchange) {
  startEditing(exchange, false, false);
  form.requestSubmit();
}

export function stopEditing() {
  field("replaces").value = field("standalone").value = field("dates").value = "";
  at("editing").hidden = true;
}

function send(event) {
  // While a word is being composed Enter takes the proposal; Safari says so by key code only.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  form.requestSubmit();
}

function jump(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, dialog") || !slashJumps()) return;
  event.preventDefault();
  box.focus();
}

function slashJumps() {
  try {
    return localStorage.getItem(SLASH) !== "off";
  } catch {
    return true;
  }
}

function remember(value) {
  try {
    if (value === null) localStorage.removeItem(SLASH);
    else localStorage.setItem(SLASH, value);
  } catch {
    // no storage: it holds for this page only
  }
}

// ---- limits --------------------------------------------------------------------------------------

function showChips() {
  const dates = ["published_after", "published_before"].filter((name) => field(name).value);
  const words = { published_after: texts.after, published_before: texts.before };
  const chips = dates.map((name) => buildChip(`${words[name]} ${humanDate(field(name).value)}`));
  at("chips").replaceChildren(...chips, ...chosen().map((source) => buildChip(source, source)));
  at("chips").hidden = !at("chips").children.length;
}

function buildChip(text, source) {
  const chip = build("chip");
  slot(chip, "chip").textContent = text;
  slot(chip, "away").setAttribute("aria-label", `${texts.take_away}: ${text}`);
  if (source !== undefined) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "sources", value: source });
    chip.append(input);
  }
  return chip;
}

function addSource() {
  const input = field("source"), typed = input.value.trim(), known = [...at("sources").options].map((each) => each.value);
  const found = known.find((each) => each.toLowerCase() === typed.toLowerCase());
  // The list may be cut; as long as it is whole, a name that is not in it is a slip.
  input.setCustomValidity(typed && !found && known.length < 200 ? texts.no_such_source : "");
  if (!typed || !input.reportValidity()) return;
  input.value = "";
  const source = found ?? typed;
  if (chosen().includes(source)) return;
  at("chips").append(buildChip(source, source));
  at("chips").hidden = false;
}

function takeChipAway(event) {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  const chip = link.closest(".chip"), rows = [...at("chips").children];
  if (!chip.querySelector("input")) {
    const dates = ["published_after", "published_before"].filter((name) => field(name).value);
    field(dates[rows.indexOf(chip)]).value = "";
  }
  chip.remove();
  showChips();
  (at("chips").querySelector("a") ?? box).focus();
}
