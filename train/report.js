"use strict";
// The articles of the report: filters with counts, search, texts drawn when an article is opened.
const { articles, labels, kinds } = JSON.parse(document.getElementById("data").textContent);
const KINDS = new Map(kinds);
const byId = (id) => document.getElementById(id);
const fold = (text) => text.toLowerCase().replaceAll("ё", "е");
const chosen = { kind: "", name: "", query: "" };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// ---- what an outcome is filtered by

const isWrong = (outcome) => outcome.kind !== "right";
const namesOf = (outcome) =>
  [outcome.gold, outcome.model].filter(Boolean).map((side) => outcome.of + " " + side.name);
const fitsKind = (outcome, kind) => !kind || kind === outcome.kind || (kind === "wrong" && isWrong(outcome));
const fitsName = (outcome, name) => !name || namesOf(outcome).includes(name);
const isFaultless = (article) => !article.outcomes.some(isWrong);

function fits(article) {
  if (chosen.query && !article.folded.includes(chosen.query)) return false;
  if (chosen.kind === "faultless") {
    return isFaultless(article) && (!chosen.name || article.outcomes.some((one) => fitsName(one, chosen.name)));
  }
  if (!chosen.kind && !chosen.name) return true;
  return article.outcomes.some((one) => fitsKind(one, chosen.kind) && fitsName(one, chosen.name));
}

// ---- an article

function drawArticle(article) {
  const wrong = article.outcomes.filter(isWrong);
  const summary = make("summary", {}, make("b", {}, article.id), " ");
  summary.append(make("small", {}, [...article.notes, article.length + " зн."].join(" · ")), " ");
  for (const [kind, name] of KINDS) {
    const count = wrong.filter((outcome) => outcome.kind === kind).length;
    if (count) summary.append(make("em", { class: kind }, name + " " + count), " ");
  }
  if (!wrong.length) summary.append(make("i", {}, "без ошибок"));
  article.element = make("details", { class: "article" }, summary);
  article.folded = fold([article.id, ...article.notes, article.text].join("\n"));
  article.element.addEventListener("toggle", () => article.element.open && fill(article));
  return article.element;
}

function fill(article) {
  if (article.parts) return;
  article.parts = new Map(article.outcomes.map((outcome) => [outcome, []])); // outcome -> its elements
  const text = make("div", { class: "text" });
  drawText(article, text);
  const side = make("div", { class: "side" }, drawEvents(article), drawErrors(article));
  article.element.append(make("div", { class: "body" }, side, text));
  dim(article);
}

function drawEvents(article) {
  const line = make("p", { class: "events" }, "События: ");
  const events = article.outcomes.filter((outcome) => outcome.of === "event");
  for (const outcome of events) {
    const side = outcome.gold || outcome.model;
    const chip = make("span", { class: "event " + outcome.kind, title: describe(outcome) }, side.name);
    if (isWrong(outcome)) chip.dataset.note = KINDS.get(outcome.kind);
    article.parts.get(outcome).push(chip);
    line.append(chip, " ");
  }
  if (!events.length) line.append("нет");
  return line;
}

function drawErrors(article) {
  const wrong = article.outcomes.filter(isWrong);
  if (!wrong.length) return make("p", { class: "faultless" }, "Всё совпало с эталоном.");
  const head = make("tr", {}, make("th", { scope: "col" }, "ошибка"),
    make("th", { scope: "col" }, "эталон (gold)"), make("th", { scope: "col" }, "модель (predicted)"));
  const body = make("tbody");
  for (const outcome of wrong) {
    const row = make("tr", {}, make("th", { scope: "row" }, make("em", { class: outcome.kind }, KINDS.get(outcome.kind))),
      drawSide(article, outcome, outcome.gold), drawSide(article, outcome, outcome.model));
    article.parts.get(outcome).push(row);
    body.append(row);
  }
  return make("table", { class: "errors" }, make("thead", {}, head), body);
}

function drawSide(article, outcome, side) {
  if (!side) return make("td", { class: "none" }, "–");
  const name = make("span", { class: "name " + colour(side, outcome) }, side.name);
  if (outcome.of === "event") return make("td", {}, name, score(side, outcome));
  const button = make("button", { type: "button", title: "показать в тексте" }, article.text.slice(side.start, side.end));
  button.addEventListener("click", () => flash(article.parts.get(outcome).find((part) => part.matches("mark"))));
  return make("td", {}, name, score(side, outcome), make("br"), button);
}

const colour = (side, outcome) => outcome.of === "label" ? "c" + labels.indexOf(side.name) % 8 : "";
const score = (side, outcome) =>
  side === outcome.model && side.score !== null ? " " + percent(side.score) : "";
const percent = (share) => (100 * share).toFixed(0) + " %";

function flash(mark) {
  mark.scrollIntoView({ block: "center" });
  mark.classList.remove("flash");
  void mark.offsetWidth; // restarts the animation
  mark.classList.add("flash");
}

// ---- a text: a line above is gold, a line below is the model, both are right

function drawText(article, element) {
  const marks = [];
  for (const outcome of article.outcomes) {
    if (outcome.of !== "label") continue;
    if (outcome.kind === "right") marks.push({ outcome, side: "both", ...outcome.model });
    else for (const side of ["gold", "model"]) if (outcome[side]) marks.push({ outcome, side, ...outcome[side] });
  }
  const edges = [...new Set([0, article.text.length, ...marks.flatMap((mark) => [mark.start, mark.end])])];
  edges.sort((a, b) => a - b);
  marks.sort((a, b) => a.start - b.start || b.end - a.end);
  let first = 0; // marks before it have ended
  for (let i = 0; i + 1 < edges.length; i++) {
    const [start, end] = [edges[i], edges[i + 1]];
    while (first < marks.length && marks[first].end <= start) first++;
    const covering = [];
    for (let j = first; j < marks.length && marks[j].start <= start; j++) {
      if (marks[j].end >= end) covering.push(marks[j]);
    }
    let inside = document.createTextNode(article.text.slice(start, end));
    covering.reverse().forEach((mark, depth) => { inside = drawMark(article, mark, depth, start, end, inside); });
    element.append(inside);
  }
}

function drawMark(article, mark, depth, start, end, inside) {
  const { outcome, side } = mark;
  const classes = [side, outcome.kind, colour(mark, outcome)];
  if (start === mark.start) classes.push("first");
  if (end === mark.end) classes.push("last");
  const element = make("mark", { class: classes.join(" "), title: describe(outcome), style: "--depth: " + depth }, inside);
  const isLastSide = side === "both" || end === Math.max(outcome.gold?.end ?? 0, outcome.model?.end ?? 0);
  if (isWrong(outcome) && end === mark.end && isLastSide && (side === "model" || end !== outcome.model?.end)) {
    element.dataset.note = KINDS.get(outcome.kind);
  }
  article.parts.get(outcome).push(element);
  return element;
}

function describe(outcome) {
  const tell = (name, side) => side ? name + ": " + side.name : name + ": нет";
  const sure = outcome.model && outcome.model.score !== null ? ", уверенность " + percent(outcome.model.score) : "";
  if (outcome.kind === "right") return outcome.gold.name + ", верно" + sure;
  return [KINDS.get(outcome.kind), tell("эталон", outcome.gold), tell("модель", outcome.model) + sure].join("; ");
}

function dim(article) {
  const isPlain = !chosen.name && (!chosen.kind || chosen.kind === "faultless");
  for (const [outcome, parts] of article.parts) {
    const isMeant = isPlain || (fitsKind(outcome, chosen.kind) && fitsName(outcome, chosen.name));
    for (const part of parts) part.classList.toggle("dim", !isMeant);
  }
}

// ---- filters

function countChips() {
  const searched = articles.filter((article) => !chosen.query || article.folded.includes(chosen.query));
  const outcomes = searched.flatMap((article) => article.outcomes);
  const named = outcomes.filter((one) => fitsName(one, chosen.name));
  for (const chip of byId("kinds").children) {
    const { value } = chip;
    const count = value === "faultless" ? searched.filter(isFaultless).length
      : value ? named.filter((one) => fitsKind(one, value)).length : searched.length;
    chip.lastElementChild.textContent = count;
  }
  const kind = chosen.kind === "faultless" ? "right" : chosen.kind;
  const wanted = outcomes.filter((one) => fitsKind(one, kind || "wrong"));
  for (const chip of byId("names").children) {
    chip.lastElementChild.textContent = wanted.filter((one) => fitsName(one, chip.value)).length;
  }
}

function filter() {
  let shown = 0;
  for (const article of articles) {
    const isShown = fits(article);
    article.element.hidden = !isShown;
    shown += isShown ? 1 : 0;
    if (article.parts) dim(article);
  }
  for (const key of ["kind", "name"]) {
    for (const chip of byId(key + "s").children) chip.setAttribute("aria-pressed", String(chip.value === chosen[key]));
  }
  countChips();
  byId("shown").value = "Показано " + shown + " из " + articles.length;
}

for (const key of ["kind", "name"]) {
  byId(key + "s").addEventListener("click", ({ target }) => {
    const chip = target.closest("button");
    if (!chip) return;
    chosen[key] = chip.value;
    filter();
  });
}
let timer;
byId("query").addEventListener("input", ({ target }) => {
  clearTimeout(timer);
  timer = setTimeout(() => { chosen.query = fold(target.value.trim()); filter(); }, 120);
});
byId("toggle").addEventListener("click", ({ target }) => {
  const opens = target.getAttribute("aria-pressed") !== "true";
  for (const article of articles) article.element.open = opens && !article.element.hidden;
  target.setAttribute("aria-pressed", String(opens));
  target.textContent = opens ? "Свернуть все" : "Раскрыть все";
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input")) {
    event.preventDefault();
    byId("query").focus();
  }
});

byId("articles").append(...articles.map(drawArticle));
filter();
for (const article of articles.slice(0, 3)) article.element.open = !isFaultless(article);
