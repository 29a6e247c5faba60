// One opened article: its text with marks, what was found in it, and a note at the mention that is pointed at.

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
  const doubtful = span.uncertain || typeof span.score === "number" && span.score < SURE;
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
    const total = facets.find((facet) => facet.label === span.label).values.get(toKey(span.key)).total;
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

for (const end of ["pointerout", "focusout"]) byId("article").addEventListener(end, hideTip);
for (const begin of ["pointerover", "focusin", "click"]) { // a tap is a click
  byId("article").addEventListener(begin, (event) => {
    const mark = event.target.closest("mark[data-span]");
    if (mark) showTip(mark);
  });
}
addEventListener("scroll", hideTip, { passive: true });
