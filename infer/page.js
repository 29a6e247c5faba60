// The page's state, its address and its keys. Opening an article is a link, so the browser's Back returns to
// the list; filters replace the address without a step of their own.

const articles = readArticles(byId("articles").textContent);
byId("articles").remove();
const facets = makeFacets(articles);
const periods = makePeriods(articles);
const addresses = new Map(articles.map((article) => [article.address, article]));
let state = readAddress();
let selection = null; // what select() gave for the state
let drawn = null; // the address of the overview that is drawn
let place = { scroll: 0, overview: null }; // where the list was left

function byId(id) {
  return document.getElementById(id);
}

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

// ---- State

const linkTo = (changes) => formatState({ ...state, ...changes }, facets);

function readAddress() {
  const read = parseState(location.hash, facets);
  return { ...read, article: addresses.has(read.article) ? read.article : "" };
}

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
  state = readAddress();
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
