// The overview: how many articles, events, timeline, top lists, and the articles that pass the filters.

const ROWS = 40; // articles added to the list at a time, as it is scrolled
const TOP = 8; // values of a facet that are shown at first
const NAMES_IN_ROW = 3; // entities of a label in an article's row
const LOWEST_TOP = 4; // articles at the top of the timeline, at least: one article is not a tower

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
