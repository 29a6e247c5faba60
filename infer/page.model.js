"use strict";
// Articles, what they can be filtered by, and the state that the address holds. Nothing here touches the page.
// A facet is one way to filter: the events, or one label's entities. Its values are keyed by folded name.

const EVENT_NAMES = { visit: "визит", agreement: "соглашение", exhibition: "выставка", "": "без события" };
const LABEL_NAMES = {
  PARTNER: ["Партнёр", "Партнёры"],
  OFFICIAL: ["Официальное лицо", "Официальные лица"],
  SECTOR: ["Отрасль", "Отрасли"],
};
const COLOURS = 8; // of the style: .c0 to .c7
const LONGEST_AXIS = 120; // columns of the timeline; beyond that they hold quarters, then years
const LONGEST_TITLE = 140; // characters of a first line that can be a title
const SURE = 0.7; // below this probability a mention is marked as doubtful

const eventName = (event) => EVENT_NAMES[event] || event;
const labelName = (label) => (LABEL_NAMES[label] || [label, label])[0];
const labelsName = (label) => (LABEL_NAMES[label] || [label, label])[1];
const fold = (text) => text.toLowerCase().replaceAll("ё", "е");
const toKey = (name) => fold(name).replace(/\s+/g, " ").trim();

// ---- Articles

function readArticles(json) {
  const ids = new Map();
  return JSON.parse(json).map((record, index) => {
    const copies = (ids.get(record.id) || 0) + 1;
    ids.set(record.id, copies);
    const likeliest = [...record.events].sort((a, b) => (record.scores[b] || 0) - (record.scores[a] || 0));
    return {
      ...record,
      index,
      likeliest,
      address: copies > 1 ? record.id + " (" + copies + ")" : record.id, // folders may share a file's name
    };
  });
}

// The text's first line that isn't blank, as {start, end}, without the spaces around it.
function firstLine(text) {
  const line = /\S[^\r\n]*/.exec(text);
  return line ? { start: line.index, end: line.index + line[0].trimEnd().length } : { start: 0, end: 0 };
}

// The first line if it is the article's title; null for a text that starts at once.
function headlineOf(article) {
  const line = firstLine(article.text);
  const length = line.end - line.start;
  const fits = article.title ? article.text.slice(line.start, line.end) === article.title : length && length <= LONGEST_TITLE;
  return fits ? { ...line, headline: true } : null;
}

function titleOf(article) {
  const line = firstLine(article.text);
  return article.title || shorten(article.text.slice(line.start, line.end), LONGEST_TITLE) || article.id;
}

function leadOf(article) {
  const start = (headlineOf(article) || { end: 0 }).end;
  return shorten(article.text.slice(start, start + 600).replace(/\s+/g, " ").trim(), 240);
}

function shorten(text, length) {
  if (text.length <= length) return text;
  return text.slice(0, text.lastIndexOf(" ", length) > 0 ? text.lastIndexOf(" ", length) : length) + "…";
}

// ---- Facets

function makeFacets(articles) {
  const events = { key: "event", title: "Событие", label: null, values: new Map(), of: [] };
  const labels = new Map(Object.keys(LABEL_NAMES).map((label) => [label, null])); // the known ones come first
  const eventOrder = new Set(articles.flatMap((article) => [...Object.keys(article.scores), ...article.events]));
  for (const event of [...eventOrder, ""]) events.values.set(event, { key: event, name: eventName(event), total: 0 });
  for (const article of articles) {
    events.of.push(article.events.length ? article.events : [""]);
    for (const value of events.of[article.index]) events.values.get(value).total += 1;
    for (const span of article.spans) {
      if (!labels.get(span.label)) labels.set(span.label, makeLabelFacet(span.label, articles.length));
      labels.get(span.label).of[article.index].push(span.key);
    }
  }
  if (!events.values.get("").total) events.values.delete("");
  const facets = [events, ...[...labels.values()].filter(Boolean)];
  for (const facet of facets.slice(1)) gatherEntities(facet);
  facets.slice(1).forEach((facet, position) => (facet.colour = position % COLOURS));
  [...events.values.values()].forEach((value, position) => {
    value.colour = value.key === "" ? "none" : (facets.length - 1 + position) % COLOURS;
  });
  return facets;
}

function makeLabelFacet(label, articles) {
  const of = Array.from({ length: articles }, () => []);
  return { key: "span." + label, title: labelName(label), label, values: new Map(), of };
}

function gatherEntities(facet) {
  facet.of = facet.of.map((names) => {
    const keys = new Set();
    for (const name of names) {
      const key = toKey(name);
      if (!facet.values.has(key)) facet.values.set(key, { key, name, total: 0, colour: null });
      if (!keys.has(key)) facet.values.get(key).total += 1;
      keys.add(key);
    }
    return [...keys];
  });
}

// ---- State: what is filtered, how it is sorted, which article is open

function emptyState(facets) {
  return { query: "", picked: facets.map(() => new Set()), from: "", to: "", sort: "", article: "" };
}

function parseState(hash, facets) {
  const values = new URLSearchParams(hash.replace(/^#/, ""));
  const state = emptyState(facets);
  for (const name of ["query", "sort", "article"]) state[name] = values.get(name) || "";
  for (const name of ["from", "to"]) state[name] = isDay(values.get(name)) ? values.get(name) : "";
  facets.forEach((facet, position) => {
    const known = values.getAll(facet.key).map((name) => (facet.label === null ? name : toKey(name)));
    state.picked[position] = new Set(known.filter((key) => facet.values.has(key)));
  });
  return state;
}

const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));

function formatState(state, facets) {
  const values = new URLSearchParams();
  for (const name of ["query", "from", "to", "sort"]) if (state[name]) values.set(name, state[name]);
  facets.forEach((facet, position) => {
    for (const key of state.picked[position]) {
      values.append(facet.key, facet.label === null ? key : facet.values.get(key).name);
    }
  });
  if (state.article) values.set("article", state.article);
  return "#" + values;
}

// ---- Filtering

const searched = new Map(); // article -> its folded text, made at the first search

function matches(article, words) {
  if (!words.length) return true;
  if (!searched.has(article)) {
    const names = article.spans.flatMap((span) => [span.normal, span.key]);
    searched.set(article, fold([article.title, article.id, article.text, ...names].join("\n")));
  }
  return words.every((word) => searched.get(article).includes(word));
}

const queryWords = (query) => fold(query).split(/\s+/).filter(Boolean);

// The articles that pass every filter; and for each facet, and for the timeline, counts over the articles that
// pass all the other filters, so that a list says what a further click on it would give.
function select(articles, facets, state) {
  const words = queryWords(state.query);
  const found = [];
  const dated = [];
  const counts = facets.map(() => new Map());
  for (const article of articles) {
    if (!matches(article, words)) continue;
    let failed = inRange(article.date, state) ? null : "date";
    let failures = failed === null ? 0 : 1;
    for (let i = 0; i < facets.length && failures < 2; i += 1) {
      if (state.picked[i].size && !facets[i].of[article.index].some((key) => state.picked[i].has(key))) {
        failed = i;
        failures += 1;
      }
    }
    if (failures > 1) continue;
    if (failures === 0) found.push(article);
    if (article.date && (failures === 0 || failed === "date")) dated.push(article);
    for (let i = 0; i < facets.length; i += 1) {
      if (failures && failed !== i) continue;
      for (const key of facets[i].of[article.index]) counts[i].set(key, (counts[i].get(key) || 0) + 1);
    }
  }
  return { found: sortArticles(found, state.sort), dated, counts };
}

function inRange(date, state) {
  if (!state.from && !state.to) return true;
  return date !== "" && (!state.from || date >= state.from) && (!state.to || date <= state.to);
}

function sortArticles(articles, order) {
  if (!order) return articles;
  const sign = order === "new" ? -1 : 1;
  return articles.sort((a, b) => {
    if (!a.date || !b.date) return (a.date ? 0 : 1) - (b.date ? 0 : 1); // without a date: last
    return a.date === b.date ? 0 : a.date < b.date ? -sign : sign;
  });
}

// Values of a facet, the picked ones first, then those with most articles.
function rankValues(facet, counts, picked) {
  const ranked = [...facet.values.values()].filter((value) => counts.get(value.key) || picked.has(value.key));
  const rank = (value) => (picked.has(value.key) ? 1e9 : 0) + (counts.get(value.key) || 0);
  return ranked.sort((a, b) => rank(b) - rank(a) || b.total - a.total);
}

// ---- Periods of the timeline

const monthNumber = (date) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)) - 1;

// Every month (or quarter, or year) from the first dated article to the last, as {from, to, first, months}.
function makePeriods(articles) {
  const months = articles.filter((article) => article.date).map((article) => monthNumber(article.date));
  if (!months.length) return [];
  const [first, last] = months.reduce(([low, high], n) => [Math.min(low, n), Math.max(high, n)], [Infinity, 0]);
  const step = [1, 3].find((size) => (last - first) / size < LONGEST_AXIS) || 12;
  const periods = [];
  for (let month = first - (first % step); month <= last; month += step) {
    periods.push({ first: month, months: step, from: formatDay(month, 1), to: lastDay(month + step - 1) });
  }
  return periods;
}

const formatDay = (month, day) =>
  String(Math.floor(month / 12)).padStart(4, "0") + "-" + String((month % 12) + 1).padStart(2, "0") + "-" +
  String(day).padStart(2, "0");
const lastDay = (month) => formatDay(month, new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 0)).getUTCDate());

// How many articles each period has under each event, an article counted once: under its likeliest event.
function countPeriods(periods, articles) {
  const counts = periods.map(() => new Map());
  for (const article of articles) {
    const position = Math.floor((monthNumber(article.date) - periods[0].first) / periods[0].months);
    const event = article.likeliest[0] || "";
    counts[position].set(event, (counts[position].get(event) || 0) + 1);
  }
  return counts;
}

// ---- Marks

// The text cut wherever a mention, a search hit or the headline begins or ends: [{start, end, spans}], spans widest first.
function cutText(text, spans) {
  const edges = [...new Set([0, text.length, ...spans.flatMap((span) => [span.start, span.end])])];
  edges.sort((a, b) => a - b);
  const widest = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  return edges.slice(0, -1).map((start, position) => ({
    start,
    end: edges[position + 1],
    spans: widest.filter((span) => span.start <= start && edges[position + 1] <= span.end),
  }));
}

// Where the words of a query stand in a text; unlike the folded text, offsets are the text's own.
function findHits(text, query) {
  const words = queryWords(query).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("е", "[её]"));
  if (!words.length) return [];
  const pattern = new RegExp(words.join("|"), "gi");
  return [...text.matchAll(pattern)].map((hit) => ({ start: hit.index, end: hit.index + hit[0].length, hit: true }));
}

// ---- Words

const integer = new Intl.NumberFormat("ru");
const plural = new Intl.PluralRules("ru");
const dayFormat = new Intl.DateTimeFormat("ru", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const monthFormat = new Intl.DateTimeFormat("ru", { month: "long", year: "numeric", timeZone: "UTC" });

function countOf(number, one, few, many) {
  const form = { one, few }[plural.select(number)] || many;
  return integer.format(number) + "\u00a0" + form;
}

const articlesCount = (number) => countOf(number, "статья", "статьи", "статей");
const percent = (score) => (typeof score === "number" ? Math.round(score * 100) + "\u00a0%" : "");

// A day in words; its spaces don't break.
function formatDate(day, format = dayFormat) {
  return day && format.format(new Date(day)).replace(/\s*г\.$/, "").replace(/\s/g, "\u00a0");
}

function formatPeriod(period) {
  if (period.months === 12) return period.from.slice(0, 4);
  if (period.months === 3) return (period.first % 12) / 3 + 1 + "-й квартал " + period.from.slice(0, 4);
  return formatDate(period.from, monthFormat);
}
