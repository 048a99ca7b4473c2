// Shows how far a task is, takes dropped files, and spares reloads. Without it the page's forms do the same.
"use strict";

const at = (id) => document.getElementById(id);
const texts = JSON.parse(at("upkeep").dataset.texts);
const words = { states: Object.fromEntries(texts.states), stages: Object.fromEntries(texts.stages) };
const live = at("status");
const PARTS = ["task", "facts", "history"];
const EVERY = 1000; // milliseconds
let following = null; // uid of the task whose progress is shown

const say = (text) => { live.textContent = text; };
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const number = (n) => n.toLocaleString("en-US");

function humanSeconds(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function describe(progress) {
  let said = `${texts.stage} ${progress.number} ${texts.of} ${progress.of}: ${words.stages[progress.stage]}`;
  if (progress.total) said += `, ${number(progress.done)} ${texts.of} ${number(progress.total)}`;
  else if (progress.done) said += `, ${number(progress.done)}`;
  if (progress.seconds_left !== null && progress.done < progress.total)
    said += `, ${texts.left.replace("%s", humanSeconds(progress.seconds_left))}`;
  return said;
}

// ---- asking the server ---------------------------------------------------------------------------

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? texts.failed);
  return answer;
}

// The server's own page, parsed by the browser as a document in which nothing runs.
function fetchPage(path) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.setRequestHeader("Accept", "text/html");
    request.responseType = "document";
    request.onload = () => (request.status === 200 && request.response ? done(request.response) : failed(new Error(texts.failed)));
    request.onerror = () => failed(new Error(texts.unreachable));
    request.send();
  });
}

async function refresh(path) {
  const page = await fetchPage(path);
  for (const id of PARTS) {
    const within = at(id).contains(document.activeElement);
    const fresh = page.getElementById(id);
    if (!fresh) continue;
    at(id).replaceWith(document.importNode(fresh, true));
    if (within) at(id).querySelector("h2")?.focus();
  }
}

// ---- following a task ----------------------------------------------------------------------------

function show(task) {
  const section = document.querySelector("#task [data-uid]");
  if (section?.dataset.uid !== task.uid || !task.progress) return;
  const bar = section.querySelector("progress"), { done, total } = task.progress;
  if (total) [bar.max, bar.value] = [total, done];
  else bar.removeAttribute("value");
  section.querySelector("[data-slot=state]").textContent = describe(task.progress);
}

const isOver = (task) => !["enqueued", "processing"].includes(task.state);

async function follow(uid) {
  if (following === uid) return;
  following = uid;
  document.querySelector("#task .reload")?.setAttribute("hidden", ""); // this does what it is for
  let stage = "", missed = 0;
  while (following === uid) {
    try {
      const task = await ask(`/index/tasks/${uid}`);
      missed = 0;
      if (isOver(task)) return finish(task);
      show(task);
      if (task.progress && task.progress.stage !== stage) {
        stage = task.progress.stage;
        say(describe({ ...task.progress, done: 0, seconds_left: null }));
      }
    } catch (error) {
      if (++missed === 5) say(`${texts.failed} ${texts.unreachable}`);
    }
    await wait(missed > 5 ? 5 * EVERY : EVERY);
  }
}

async function finish(task) {
  following = null;
  if (task.state === "succeeded") await wait(1100); // by then the server answers from the new generation
  try {
    await refresh(`/index?task=${task.uid}`);
  } catch {
    return location.reload();
  }
  say(at("task").innerText.replace(/\s+/g, " ").trim());
  const next = (await ask("/index/tasks").catch(() => ({ tasks: [] }))).tasks.filter((each) => !isOver(each)).at(-1);
  if (next) begin(next);
}

async function begin(task) {
  await refresh(`/index?task=${task.uid}`);
  history.replaceState(null, "", "/index");
  follow(task.uid);
}

// ---- forms ---------------------------------------------------------------------------------------

function showProblem(form, message) {
  form.querySelector(".bad[data-problem]")?.remove();
  if (!message) return;
  const line = document.createElement("p");
  line.className = "bad";
  line.dataset.problem = "";
  line.textContent = `${texts.failed} ${message[0].toUpperCase()}${message.slice(1)}`;
  form.append(line);
  say(line.textContent);
}

async function send(form, button, saying) {
  const body = new FormData(form, button?.name ? button : undefined);
  const files = form.enctype === "multipart/form-data";
  if (button) button.setAttribute("aria-disabled", "true");
  showProblem(form, "");
  say(saying);
  try {
    const task = await ask(form.action, { method: "POST", body: files ? body : new URLSearchParams(body) });
    if (!form.classList.contains("cancel")) form.reset?.();
    return task;
  } catch (error) {
    showProblem(form, error instanceof TypeError ? texts.unreachable : error.message);
    return null;
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  if (form.action.endsWith("/logout")) return;
  event.preventDefault();
  if (button?.getAttribute("aria-disabled") === "true") return;
  const answer = await send(form, button, form.classList.contains("cancel") ? texts.canceling : texts.sending);
  if (!answer) return;
  if (answer.uid) {
    if (isOver(answer)) return finish(answer);
    if (!form.classList.contains("cancel")) return begin(answer);
    return follow(answer.uid);
  }
  await wait(1100);
  await refresh(`/index?rolled_back=${encodeURIComponent(answer.generation)}`);
  const heading = at("history-title");
  heading?.focus();
  say(document.querySelector("#history .good")?.textContent ?? "");
});

// ---- dropping files ------------------------------------------------------------------------------

const drop = at("drop"), input = at("files");

function choose(transfer) {
  const chosen = new DataTransfer();
  let folders = 0;
  for (const item of transfer.items) {
    if (item.webkitGetAsEntry?.()?.isDirectory) folders++;
    else if (item.kind === "file") chosen.items.add(item.getAsFile());
  }
  if (chosen.files.length) input.files = chosen.files;
  say(folders ? texts.no_folder : `${chosen.files.length} ${texts.chosen}`);
  showProblem(at("add"), folders && !chosen.files.length ? texts.no_folder : "");
  if (chosen.files.length) at("add").querySelector("button").focus();
}

if (drop) {
  at("drop-hint").hidden = false;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"])
    addEventListener(name, (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault(); // anywhere on the page: else the browser would open the file
    drop.classList.remove("over");
    choose(event.dataTransfer);
  });
}

const active = document.querySelector('#task [data-state="enqueued"], #task [data-state="processing"]');
if (active) follow(active.dataset.uid);
