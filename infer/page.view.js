// What is seen: the overview (events, timeline, top lists, articles) and one opened article. Opening an article
// is a link, so the browser's Back returns to the list; filters replace the address without a step of their own.

const ROWS = 40; // articles added to the list at a time, as it is scrolled
const TOP = 8; // values of a facet that are shown at first
const NAMES_IN_ROW = 3; // entities of a label in an article's row
const LOWEST_TOP = 4; // articles at the top of the timeline, at least: one article is not a tower

const byId = (id) => document.getElementById(id);
const articles = readArticles(byId("articles").textContent);
byId("articles").remove();
const facets = makeFacets(articles);
const periods = makePeriods(articles);
const addresses = new Map(articles.map((article) => [article.address, article]));
let state = parseState(location.hash, facets);
let selection = null; // what select() gave for the state
let drawn = null; // the address of the overview that is drawn
let place = { scroll: 0, overview: null }; // where the list was left

// An element with attributes and children; text stays text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

const linkTo = (changes) => formatState({ ...state, ...changes }, facets);

function update(changes) {
  state = { ...state, article: "", ...changes };
  history.replaceState(null, "", formatState(state, facets));
  render();
}

function toggle(position, key) {
  const picked = state.picked.map((keys) => new Set(keys));
  if (!picked[position].delete(key)) picked[position].add(key);
  update({ picked });
}

function only(position, key) {
  const picked = facets.map((_, other) => new Set(other === position ? [key] : []));
  return linkTo({ ...emptyState(facets), sort: state.sort, picked });
}

function render() {
  const article = addresses.get(state.article);
  const overview = formatState({ ...state, article: "" }, facets);
  hideTip();
  if (overview !== drawn) renderOverview();
  drawn = overview;
  byId("overview").hidden = Boolean(article);
  byId("article").hidden = !article;
  if (article) renderArticle(article);
  else document.title = "Визитка: " + articlesCount(articles.length);
}

// ---- Overview

function renderOverview() {
  const focused = document.activeElement && document.activeElement.dataset.value;
  selection = select(articles, facets, state);
  if (byId("query").value !== state.query) byId("query").value = state.query;
  renderHeadline();
  renderEvents();
  renderTimeline();
  renderFacets();
  renderActive();
  renderList();
  // The button that was pressed has been drawn anew.
  const again = focused && document.querySelector('[data-value="' + CSS.escape(focused) + '"]');
  if (again) again.focus({ preventScroll: true });
}

function renderHeadline() {
  const all = selection.found.length === articles.length;
  byId("total").textContent = all ? articlesCount(articles.length)
    : integer.format(selection.found.length) + " из " + countOf(articles.length, "статьи", "статей", "статей");
  const days = selection.found.map((article) => article.date).filter(Boolean);
  const [first, last] = days.reduce(([a, b], day) => [day < a ? day : a, day > b ? day : b], [days[0], days[0]]);
  const span = first === last ? formatDate(first) : formatDate(first) + " – " + formatDate(last);
  const undated = selection.found.length - days.length;
  byId("period").textContent = !days.length ? "" : span + (undated ? ", без даты " + integer.format(undated) : "");
  byId("shown").value = all ? "" : "Показано " + integer.format(selection.found.length);
}

function renderEvents() {
  const values = [...facets[0].values.values()];
  byId("events").replaceChildren(...values.map((value) =>
    make("button", { class: "event c" + value.colour, ...pressed(0, value), type: "button" },
      make("span", { class: "dot" }), make("bdi", {}, value.name), " ",
      make("b", {}, integer.format(selection.counts[0].get(value.key) || 0)))));
}

const pressed = (position, value) => ({
  "data-value": position + " " + value.key,
  "aria-pressed": String(state.picked[position].has(value.key)),
  click: () => toggle(position, value.key),
});

// The top lists; where they are folded, their first names still show.
function renderFacets() {
  const labels = facets.slice(1).map((facet, i) => [facet, i + 1, rankValues(facet, selection.counts[i + 1], state.picked[i + 1])]);
  byId("facets").hidden = !labels.length;
  byId("labels").replaceChildren(...labels.map((facet) => renderFacet(...facet)));
  byId("facets").querySelector("summary").replaceChildren(...labels.map(([facet, , ranked]) =>
    make("span", { class: "c" + facet.colour }, make("span", { class: "dot" }), labelsName(facet.label) + ": ",
      make("bdi", {}, ranked.slice(0, TOP).map((value) => value.name).join(", ") || "нет"))));
}

// A top list: each row is a bar and a filter.
function renderFacet(facet, position, ranked) {
  const section = make("section", { class: "facet c" + facet.colour, "aria-label": labelsName(facet.label) });
  const find = make("input", { type: "search", placeholder: "найти", autocomplete: "off",
    "aria-label": labelsName(facet.label) + ": найти" });
  const rows = make("div", { class: "values", role: "group", "aria-label": labelsName(facet.label) });
  let limit = TOP;
  const fill = () => {
    const wanted = toKey(find.value);
    const fitting = wanted ? ranked.filter((value) => value.key.includes(wanted)) : ranked;
    const left = fitting.length - limit;
    const most = ranked.reduce((high, value) => Math.max(high, selection.counts[position].get(value.key) || 0), 1);
    rows.replaceChildren(...fitting.slice(0, limit).map((value) => renderValue(value, position, most)));
    if (!fitting.length) rows.append(make("p", { class: "quiet" }, "нет"));
    if (left > 0) {
      const more = () => {
        limit += 3 * TOP;
        const shown = rows.querySelectorAll(".value").length;
        fill();
        rows.querySelectorAll(".value")[shown].focus();
      };
      rows.append(make("button", { class: "more", type: "button", click: more }, "ещё " + integer.format(left)));
    }
  };
  find.addEventListener("input", fill);
  fill();
  section.append(
    make("div", { class: "facet-head" },
      make("h2", {}, make("bdi", {}, labelsName(facet.label)), " ", make("small", {}, integer.format(ranked.length))),
      ranked.length > TOP ? find : ""),
    rows);
  return section;
}

function renderValue(value, position, most) {
  const count = selection.counts[position].get(value.key) || 0;
  const bar = make("span", { class: "bar" });
  bar.style.setProperty("--share", count / most);
  return make("button", { class: "value", ...pressed(position, value), type: "button", title: value.name },
    bar, make("bdi", {}, value.name), make("b", {}, integer.format(count)));
}

// ---- Timeline

function renderTimeline() {
  const dates = periods.length > 0;
  byId("order").hidden = !dates;
  byId("timeline").hidden = !dates;
  if (!dates) return;
  byId("sort").value = state.sort;
  const counts = countPeriods(periods, selection.dated);
  const totals = counts.map((events) => [...events.values()].reduce((sum, count) => sum + count, 0));
  const most = Math.max(...totals);
  byId("periods").hidden = periods.length < 2;
  byId("periods").replaceChildren(...periods.map((period, i) => renderPeriod(period, counts[i], totals[i], Math.max(most, LOWEST_TOP))));
  byId("periods").querySelector("button").tabIndex = 0;
  byId("first-period").textContent = periods.length < 2 ? "" : formatPeriod(periods[0]);
  byId("last-period").textContent = periods.length < 2 ? "" : formatPeriod(periods[periods.length - 1]);
  const step = { 1: "месяцам", 3: "кварталам", 12: "годам" }[periods[0].months];
  byId("timeline-note").textContent = periods.length < 2 ? "" :
    "Статьи по " + step + (most ? ", не больше " + integer.format(most) : "") + "; цвет – самое вероятное событие";
  for (const side of ["from", "to"]) {
    byId(side).value = state[side];
    byId(side).min = periods[0].from;
    byId(side).max = periods[periods.length - 1].to;
  }
}

function renderPeriod(period, counts, total, most) {
  const inside = (state.from || state.to) && (!state.from || period.to >= state.from) && (!state.to || period.from <= state.to);
  const parts = [...facets[0].values.values()].filter((value) => counts.get(value.key));
  const words = parts.map((value) => value.name + " " + counts.get(value.key));
  const name = [formatPeriod(period) + ": " + articlesCount(total), ...words].join(", ");
  const column = make("button", { class: "period", type: "button", tabindex: "-1", title: name, "aria-label": name,
    "data-value": "period " + period.from, "aria-pressed": String(Boolean(inside)),
    click: (event) => pickPeriod(period, event.shiftKey) });
  for (const value of parts) {
    const part = make("span", { class: "c" + value.colour });
    part.style.setProperty("--share", counts.get(value.key) / most);
    column.append(part);
  }
  if (state.from || state.to) column.classList.toggle("outside", !inside);
  return column;
}

// One period, or everything from the picked ones to this; a click on the only picked one takes it back.
function pickPeriod(period, extend) {
  if (extend && state.from && state.to) {
    update({ from: period.from < state.from ? period.from : state.from, to: period.to > state.to ? period.to : state.to });
  } else if (state.from === period.from && state.to === period.to) {
    update({ from: "", to: "" });
  } else {
    update({ from: period.from, to: period.to });
  }
}

// ---- List

function renderActive() {
  const chip = (label, name, click) => make("button", { class: "chip", type: "button", click,
    "aria-label": "Убрать: " + label + " " + name }, label, " ", make("bdi", {}, name), make("span", {}, " ×"));
  const chips = [];
  if (state.query) chips.push(chip("запрос", "«" + state.query + "»", () => update({ query: "" })));
  facets.forEach((facet, position) => {
    for (const key of state.picked[position]) {
      chips.push(chip(facet.title + ":", facet.values.get(key).name, () => toggle(position, key)));
    }
  });
  if (state.from || state.to) {
    const range = (state.from ? "с " + formatDate(state.from) : "") + (state.to ? " по " + formatDate(state.to) : "");
    chips.push(chip("", range.trim(), () => update({ from: "", to: "" })));
  }
  if (chips.length > 1) {
    const reset = () => update({ ...emptyState(facets), sort: state.sort });
    chips.push(make("button", { class: "chip reset", type: "button", click: reset }, "Сбросить всё"));
  }
  byId("active").hidden = !chips.length;
  byId("active").replaceChildren(...chips);
}

function renderList() {
  byId("list").replaceChildren();
  byId("nothing").hidden = selection.found.length > 0;
  addRows(ROWS);
}

function addRows(number) {
  const shown = byId("list").children.length;
  byId("list").append(...selection.found.slice(shown, shown + number).map(renderRow));
}

function renderRow(article) {
  const link = make("a", { class: "row", href: linkTo({ article: article.address }) },
    make("span", { class: "head" }, make("bdi", { class: "title" }, titleOf(article)), " ",
      make("bdi", { class: "when" }, [formatDate(article.date), article.source].filter(Boolean).join(", "))),
    make("span", { class: "badges" }, ...article.likeliest.map((event) => renderBadge(article, event))),
    make("span", { class: "lead", dir: "auto" }, ...renderLead(article)),
    make("span", { class: "names" }, ...facets.slice(1).map((facet) => renderNames(facet, article))));
  return make("li", {}, link);
}

function renderBadge(article, event) {
  const value = facets[0].values.get(event);
  return make("span", { class: "badge c" + value.colour },
    make("bdi", {}, value.name), " ", make("small", {}, percent(article.scores[event])));
}

// The beginning of the text; during a search, the place of its longest word.
function renderLead(article) {
  const longest = queryWords(state.query).reduce((long, word) => (word.length > long.length ? word : long), "");
  const hit = findHits(article.text, longest)[0];
  if (!hit) return [leadOf(article)];
  const start = Math.max(0, hit.start - 90);
  return [
    (start ? "…" : "") + article.text.slice(start, hit.start),
    make("mark", { class: "hit" }, article.text.slice(hit.start, hit.end)),
    article.text.slice(hit.end, hit.end + 150) + "…",
  ];
}

function renderNames(facet, article) {
  const keys = facet.of[article.index];
  if (!keys.length) return "";
  const names = keys.slice(0, NAMES_IN_ROW).map((key) => facet.values.get(key).name);
  const rest = keys.length > NAMES_IN_ROW ? " и ещё " + (keys.length - NAMES_IN_ROW) : "";
  return make("span", { class: "c" + facet.colour, title: labelsName(facet.label) },
    make("span", { class: "dot" }), make("bdi", {}, names.join(", ")), rest);
}

// ---- Article

function renderArticle(article) {
  const position = selection.found.indexOf(article);
  const step = (by) => selection.found[position + by];
  const to = (other, name, full, key) => other && position >= 0 ? make("a", { href: linkTo({ article: other.address }),
    "aria-label": full + " статья", "aria-keyshortcuts": key }, name) : "";
  const repeated = headlineOf(article) || !article.title; // the text says it
  const title = make("h1", { dir: "auto", tabindex: "-1", class: repeated ? "unseen" : null }, titleOf(article));
  document.title = titleOf(article);
  byId("article").replaceChildren(
    make("nav", { "aria-label": "Статьи" },
      make("a", { id: "back", href: linkTo({ article: "" }), "aria-keyshortcuts": "Escape" }, "← К списку"),
      make("span", { class: "quiet" },
        position < 0 ? "не подходит под фильтры"
          : integer.format(position + 1) + " из " + integer.format(selection.found.length)),
      to(step(-1), "Пред.", "Предыдущая", "k"), to(step(1), "След.", "Следующая", "j")),
    make("article", {}, title, renderFacts(article), renderText(article)),
    make("aside", { "aria-label": "Что найдено в статье" }, renderScores(article),
      ...facets.slice(1).map((facet, i) => renderFound(facet, i + 1, article))));
  scrollTo(0, 0);
  title.focus({ preventScroll: true });
}

function renderFacts(article) {
  const link = article.url ? make("a", { href: article.url, rel: "noopener noreferrer", target: "_blank" },
    article.url.replace(/^https?:\/\/(www\.)?/i, "").replace(/[/?#].*/, "")) : "";
  const facts = [formatDate(article.date), article.source && make("bdi", {}, article.source), link,
    make("bdi", { class: "quiet" }, article.id)];
  return make("p", { class: "facts" }, ...facts.filter(Boolean).map((fact) => make("span", {}, fact)));
}

function renderText(article) {
  const begun = new Set(); // a mention that is cut in pieces stops the tabulator once
  const others = [headlineOf(article), ...findHits(article.text, state.query)].filter(Boolean);
  const pieces = cutText(article.text, [...article.spans, ...others]).map((piece) => {
    let inner = document.createTextNode(article.text.slice(piece.start, piece.end));
    for (const span of [...piece.spans].reverse()) {
      if (span.headline) inner = make("span", { class: "headline" }, inner);
      else if (span.hit) inner = make("mark", { class: "hit" }, inner);
      else inner = renderMark(article, span, !begun.has(span), inner);
      begun.add(span);
    }
    return inner;
  });
  return make("div", { class: "text" }, ...pieces);
}

function renderMark(article, span, first, inner) {
  const facet = facets.find((other) => other.label === span.label);
  const doubtful = typeof span.score === "number" && span.score < SURE;
  return make("mark", { class: "c" + facet.colour + (doubtful ? " doubtful" : ""),
    "data-span": String(article.spans.indexOf(span)), tabindex: first ? "0" : null }, inner);
}

function renderScores(article) {
  const events = [...facets[0].values.values()].filter((value) => value.key in article.scores);
  const rows = events.map((value) => {
    const bar = make("span", { class: "bar" });
    bar.style.setProperty("--share", article.scores[value.key]);
    return make("div", { class: "value c" + value.colour + (article.events.includes(value.key) ? "" : " quiet") },
      bar, make("bdi", {}, value.name), make("b", {}, percent(article.scores[value.key])));
  });
  return rows.length ? make("section", { class: "facet" }, make("h2", {}, "События ", make("small", {}, "вероятность")), ...rows) : "";
}

// The article's entities of a label; each leads to the articles that name it.
function renderFound(facet, position, article) {
  const keys = facet.of[article.index];
  if (!keys.length) return "";
  const rows = keys.map((key) => {
    const value = facet.values.get(key);
    return make("a", { class: "value found", href: only(position, key), title: "Все статьи: " + value.name },
      make("bdi", {}, value.name), make("b", {}, articlesCount(value.total)));
  });
  return make("section", { class: "facet c" + facet.colour },
    make("h2", {}, make("span", { class: "dot" }), make("bdi", {}, labelsName(facet.label))), ...rows);
}

// ---- Note at a mention

function showTip(mark) {
  const article = addresses.get(state.article);
  const lines = [];
  for (let at = mark; at; at = at.parentElement.closest("mark[data-span]")) {
    const span = article.spans[Number(at.dataset.span)];
    const total = facets.find((facet) => facet.label === span.label).values.get(toKey(span.normal)).total;
    const facts = [labelName(span.label), percent(span.score), "в " + countOf(total, "статье", "статьях", "статьях")];
    lines.push(make("p", { class: at.className }, make("b", { dir: "auto" }, span.normal), make("small", {},
      facts.filter(Boolean).join(", "))));
  }
  const tip = byId("tip");
  tip.replaceChildren(...lines);
  tip.hidden = false;
  const box = mark.getClientRects()[0];
  const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
  const above = box.top - tip.offsetHeight - 6;
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = (above > 0 ? above : box.bottom + 6) + "px";
  mark.setAttribute("aria-describedby", "tip");
}

function hideTip() {
  byId("tip").hidden = true;
  for (const mark of document.querySelectorAll("mark[aria-describedby]")) mark.removeAttribute("aria-describedby");
}

for (const [begin, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  byId("article").addEventListener(begin, (event) => {
    const mark = event.target.closest("mark[data-span]");
    if (mark) showTip(mark);
  });
  byId("article").addEventListener(end, hideTip);
}
addEventListener("scroll", hideTip, { passive: true });

// ---- Keyboard. Keys are told by their place, so that they work in the Russian layout too.

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || byId("help").open) return;
  const typing = event.target.closest("input, select");
  if (event.key === "Escape") leave(typing);
  else if (typing) return;
  else if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) byId("help").showModal();
  else if (event.key === "/" || event.code === "Slash") focusQuery();
  else if (event.code === "KeyJ") stepTo(1);
  else if (event.code === "KeyK") stepTo(-1);
  else if (event.target.closest(".row") && event.key === "ArrowDown") stepTo(1);
  else if (event.target.closest(".row") && event.key === "ArrowUp") stepTo(-1);
  else if (event.target.closest(".period") && ["ArrowLeft", "ArrowRight"].includes(event.key)) {
    const beside = event.key === "ArrowLeft" ? event.target.previousSibling : event.target.nextSibling;
    if (beside) beside.focus();
  } else return;
  event.preventDefault();
}

function focusQuery() {
  byId("query").focus();
  byId("query").select();
}

function leave(typing) {
  if (!byId("tip").hidden) hideTip();
  else if (typing && typing.value && typing.type === "search") {
    typing.value = "";
    typing.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (typing) typing.blur();
  else if (state.article) location.hash = linkTo({ article: "" });
}

// The next article: opened when one is open, otherwise its row gets the focus.
function stepTo(by) {
  if (state.article) {
    const other = selection.found[selection.found.indexOf(addresses.get(state.article)) + by];
    if (other) location.hash = linkTo({ article: other.address });
    return;
  }
  const rows = [...byId("list").children];
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  if (now + by >= rows.length - 1) addRows(ROWS);
  const next = byId("list").children[Math.max(0, now + by)];
  if (next) next.firstChild.focus();
}

// ---- Start

addEventListener("keydown", onKey);
addEventListener("hashchange", () => {
  const left = state.article;
  if (!left) place = { scroll: scrollY, overview: drawn };
  state = parseState(location.hash, facets);
  render();
  if (state.article || !left) return;
  // Back from an article: the list is where it was left, the article that was read has the focus.
  scrollTo(0, place.overview === drawn ? place.scroll : 0);
  const position = selection.found.indexOf(addresses.get(left));
  if (position < 0) return;
  addRows(position + 1 - byId("list").children.length);
  byId("list").children[position].firstChild.focus();
});

let typed;
byId("query").addEventListener("input", (event) => {
  clearTimeout(typed);
  typed = setTimeout(() => update({ query: event.target.value.trim() }), 120);
});
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("sort").addEventListener("change", (event) => update({ sort: event.target.value }));
for (const side of ["from", "to"]) {
  byId(side).addEventListener("change", (event) => update({ [side]: event.target.value }));
}
byId("help-button").addEventListener("click", () => byId("help").showModal());

const narrow = matchMedia("screen and (max-width: 60rem)");
const openFacets = () => (byId("facets").open = !narrow.matches);
narrow.addEventListener("change", openFacets);
openFacets();

new IntersectionObserver((seen) => {
  if (seen.some((entry) => entry.isIntersecting) && selection) addRows(ROWS);
}, { rootMargin: "600px" }).observe(byId("more"));
addEventListener("beforeprint", () => {
  addRows(articles.length);
  byId("facets").open = true;
});
addEventListener("afterprint", openFacets);

render();
