"use strict";
// Draws charts, re-ranks, lists items and shows one. What models wrote is only ever set as text:
// nothing here writes markup.
(async () => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const PAGE = 100;

  function make(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name in node) node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  async function decode(base64) {
    const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  if (!("DecompressionStream" in window)) {
    $("#problem").hidden = false;
    $("#problem").textContent = "This browser is too old to unpack the report. Use one from 2023 or later.";
    return;
  }
  const data = await decode($("#head").textContent);
  const figures = new Map(); // name -> view
  const items = new Map(data.items.map((item) => [item.id, item]));
  data.items.forEach((item, at) => { item.at = at; item.low = `${item.id}\n${item.prompt}\n${Object.values(item.attributes).join("\n")}`.toLowerCase(); });

  // State lives in the address, so that a view can be linked: #item?id=…&w=power%3A0
  const state = { view: "overview", params: new URLSearchParams() };
  const get = (name, otherwise = "") => state.params.get(name) ?? otherwise;
  const welfare = () => (data.functions.some(([name]) => name === get("w")) ? get("w") : data.functions[0]?.[0]);

  function address(view, params) {
    const kept = new URLSearchParams();
    for (const [name, value] of params) if (value) kept.set(name, value);
    return `#${view}${kept.size ? `?${kept}` : ""}`;
  }
  function change(values, view = state.view) {
    for (const [name, value] of Object.entries(values)) value ? state.params.set(name, value) : state.params.delete(name);
    state.view = view;
    history.replaceState(null, "", address(view, state.params));
    show(false);
  }
  function read() {
    const [view, query] = location.hash.slice(1).split("?");
    const before = state.params.get("w");
    state.params = new URLSearchParams(query ?? "");
    if (query === undefined && before) state.params.set("w", before);
    state.view = view || "overview";
    show(true);
  }

  async function show(moved) {
    const one = state.view === "item" && items.has(get("id"));
    $("#report").hidden = one;
    $("#item").hidden = !one;
    rank();
    for (const link of document.querySelectorAll("nav a")) {
      const here = link.hash === `#${one ? "items" : state.view}`;
      here ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    }
    if (one) await showItem(items.get(get("id")), moved);
    else {
      list();
      const target = document.getElementById(state.view);
      if (moved && target) target.scrollIntoView({ behavior: "instant" });
    }
  }

  // Ranking
  function rank() {
    const name = welfare();
    if (!name) return;
    $("#welfare").value = name;
    $("#headline").textContent = data.headlines[name];
    for (const [figure, view] of figures) {
      if (data.figures[figure].controls.some((one) => one.param === "welfare" && one.options.some(([value]) => value === name))) view.signal("welfare", name).runAsync();
    }
  }
  $("#welfare")?.addEventListener("change", (event) => change({ w: event.target.value }));

  // Figures. Vega-Lite's warnings are for those who write charts, not for those who read them.
  const logger = { level: () => logger, error: (...said) => { console.error(...said); return logger; }, warn: () => logger, info: () => logger, debug: () => logger };
  async function draw(name, { spec, controls }) {
    const place = $(`[data-figure="${name}"]`);
    if (!place) return;
    const options = { ast: true, renderer: "svg", actions: false, logger };
    let { view } = await vegaEmbed(place, spec, options);
    const inner = [spec, spec.spec, ...(spec.vconcat ?? [])].filter((part) => typeof part?.width === "number");
    for (let tries = 0; tries < 2; tries += 1) { // a narrow screen: less room for the marks
      const excess = place.scrollWidth - place.clientWidth;
      if (excess <= 0 || !inner.length) break;
      for (const part of inner) {
        const square = part.width === part.height; // a picture of a network keeps its shape
        part.width = Math.max(150, part.width - excess);
        if (square) part.height = part.width;
      }
      view.finalize();
      ({ view } = await vegaEmbed(place, spec, options));
    }
    figures.set(name, view);
    for (const { param, label, options: choices } of controls) {
      if (param === "welfare" || choices.length < 2) continue;
      const choose = make("select", {}, ...choices.map(([value, text]) => make("option", { value }, text)));
      choose.addEventListener("change", () => view.signal(param, choose.value).runAsync());
      $(`[data-controls="${name}"]`).append(make("label", {}, `${label} `, choose));
    }
  }

  // The list of items
  const fixed = (value) => (value === null || value === undefined ? "n/a" : value.toFixed(3));
  function verdict(item) { // best first
    const values = item.welfare[welfare()] ?? [];
    const order = values.map((value, model) => ({ model, value })).filter(({ value }) => value !== null);
    return order.sort((a, b) => b.value - a.value);
  }
  const ORDERS = {
    study: (a, b) => a.item.at - b.item.at,
    spread: (a, b) => b.spread - a.spread,
    close: (a, b) => a.gap - b.gap,
    high: (a, b) => b.top - a.top,
    low: (a, b) => a.top - b.top,
  };
  let shown = PAGE;
  function list() {
    const words = get("q").toLowerCase();
    const wanted = get("best");
    $("#q").value = get("q");
    $("#best").value = wanted;
    $("#sort").value = get("sort", "study");
    const rows = [];
    for (const item of data.items) {
      if (words && !item.low.includes(words)) continue;
      const order = verdict(item);
      if (wanted && data.models[order[0]?.model] !== wanted) continue;
      const gap = order.length > 1 ? order[0].value - order[1].value : Infinity;
      rows.push({ item, order, gap, top: order[0]?.value ?? -1, spread: Math.max(-1, ...item.spread.filter((s) => s !== null)) });
    }
    rows.sort(ORDERS[get("sort", "study")] ?? ORDERS.study);
    $("#found").textContent = `${rows.length.toLocaleString("en")} of ${data.items.length.toLocaleString("en")} items`;
    $("#list tbody").replaceChildren(...rows.slice(0, shown).map(({ item, order, gap, spread }) => make("tr", {},
      make("th", { scope: "row" }, make("a", { href: address("item", [["id", item.id], ["w", get("w")]]) }, item.id), make("span", { className: "prompt" }, item.prompt)),
      make("td", {}, order.length ? data.models[order[0].model] : "none"),
      make("td", {}, fixed(order[0]?.value)),
      make("td", {}, Number.isFinite(gap) ? fixed(gap) : "n/a"),
      make("td", {}, spread < 0 ? "n/a" : fixed(spread)))));
    $("#more").hidden = rows.length <= shown;
  }
  $("#list thead").append(make("tr", {}, ...["Item", "Preferred", "Its welfare", "Ahead by", "Spread"].map((text) => make("th", { scope: "col" }, text))));
  $("#best").append(...data.models.map((model) => make("option", { value: model }, model)));
  $("#find").addEventListener("submit", (event) => event.preventDefault());
  $("#find").addEventListener("input", (event) => { shown = PAGE; change({ [event.target.id]: event.target.value }, "items"); });
  $("#more").addEventListener("click", () => { shown += PAGE; list(); });

  // One item
  const chunks = new Map();
  window.juriesChunk = (number, text) => chunks.get(number).resolve(text);
  function chunk(number) {
    if (!chunks.has(number)) {
      const held = {};
      const text = new Promise((resolve, reject) => Object.assign(held, { resolve, reject }));
      held.content = text.then(decode);
      chunks.set(number, held);
      const inline = document.getElementById(`chunk-${number}`);
      if (inline) held.resolve(inline.textContent);
      else document.head.append(make("script", { src: `${data.folder}/${number}.js`, onerror: () => held.reject(new Error(`${data.folder}/${number}.js is missing; it belongs beside this page`)) }));
    }
    return chunks.get(number).content;
  }

  const ballot = (round) => (round < 0 ? `control without talk, ${-round}` : round === 0 ? "first ballot" : round === data.counted ? "final ballot" : `after round ${round}`);
  const status = (point) => (point === 0 ? "not recorded" : data.statuses[-point].replace("_", " "));
  const utility = (criterion, point) => data.criteria[criterion].utilities?.[point - 1] ?? null;
  function colour(value) { // orange at 0, violet at 1: told apart by colour-blind readers
    if (value === null || value === undefined) return "transparent";
    const end = value < 0.5 ? "--low" : "--high";
    return `color-mix(in srgb, var(${end}) ${Math.round(Math.abs(value - 0.5) * 116)}%, var(--neutral))`;
  }
  function bar(shares, criterion) {
    const points = data.criteria[criterion].points;
    const said = shares.map((share, at) => `${points[at]} ${(100 * share).toFixed(0)}%`).join(", ");
    return make("div", { className: "bar", role: "img", "aria-label": said, title: said }, ...shares.map((share, at) => {
      const part = make("span");
      part.style.cssText = `width:${100 * share}%;background:${colour(utility(criterion, at + 1) ?? (at + 1) / points.length)}`;
      return part;
    }));
  }
  const text = (words) => make("pre", { className: "text", tabIndex: 0 }, words ?? "");
  const pairs = (values) => make("dl", { className: "facts" }, ...Object.entries(values).map(([name, value]) => make("div", {}, make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, String(value)))));
  const folded = (title, ...content) => make("details", {}, make("summary", {}, title), ...content);

  async function showItem(entry, moved) {
    const place = $("#item");
    let detail;
    try {
      detail = (await chunk(entry.chunk))[entry.place];
    } catch (error) {
      place.replaceChildren(make("p", { className: "origin warn" }, `This item cannot be read: ${error.message}`));
      return;
    }
    const neighbour = (step, label) => {
      const other = data.items[entry.at + step];
      return other ? make("a", { href: address("item", [["id", other.id], ["w", get("w")], ["by", get("by")], ["level", get("level")]]) }, label) : null;
    };
    const pick = (name, size) => Math.min(Number(get(name, "0")) || 0, Math.max(0, size - 1));
    const distinct = (name) => [...new Set(detail.blocks.map((block) => block[name]))].sort((a, b) => a - b);
    const rounds = distinct("round"), replicates = distinct("replicate");
    const criterion = pick("criterion", data.criteria.length);
    const round = [Number(get("round", "none")), data.counted, ...rounds].find((one) => rounds.includes(one));
    const replicate = replicates[pick("replicate", replicates.length)];
    const put = detail.blocks.filter((block) => block.criterion === criterion && block.round === round && block.replicate === replicate);
    const compared = put.some((block) => block.against !== undefined);
    const blocks = compared ? put : detail.responses.map((_, response) => put.find((block) => block.response === response));
    const names = compared ? put.map((block) => about(detail, block)) : detail.responses.map((response) => response.model);
    const focused = document.activeElement?.dataset?.keep;
    const scrolled = $(".tall")?.scrollTop ?? 0;
    place.replaceChildren(
      make("p", { className: "row" }, make("a", { href: address("items", [["w", get("w")]]) }, "All items"), neighbour(-1, "Previous"), neighbour(1, "Next")),
      make("h2", { id: "title-item", tabIndex: -1 }, entry.id),
      Object.keys(entry.attributes).length ? pairs(entry.attributes) : null,
      make("div", { className: "ask" }, text(detail.prompt)),
      make("div", { className: "responses" }, ...detail.responses.map((response, at) => card(entry, response, compared ? null : blocks[at], criterion))),
      ...matrix(detail, blocks, names, { criterion, round, rounds, replicates }),
      ...talk(detail),
      make("p", { className: "label" }, data.label),
    );
    if (focused) { const again = $(`[data-keep="${focused}"]`); again?.focus(); again?.setSelectionRange?.(again.value.length, again.value.length); }
    $(".tall").scrollTop = moved ? 0 : scrolled;
    if (get("juror") !== "") juror(detail, Number(get("juror")));
    if (moved) { $("#title-item").focus({ preventScroll: true }); place.scrollIntoView({ behavior: "instant" }); }
  }

  function card(entry, response, block, criterion) {
    const model = data.models.indexOf(response.model);
    const counts = data.criteria[criterion].points.map((_, at) => (block?.points ?? []).reduce((sum, point, seat) => sum + (point === at + 1 ? data.jurors[seat].weight : 0), 0));
    const total = counts.reduce((a, b) => a + b, 0);
    const label = data.functions.find(([name]) => name === welfare())?.[1];
    const node = make("section", { className: "response", "aria-label": `Response of ${response.model}` },
      make("h3", {}, response.model),
      label ? make("p", { className: "note" }, `${label}: ${fixed(entry.welfare[welfare()]?.[model])}`) : null,
      block === null ? null : total ? bar(counts.map((count) => count / total), criterion) : make("p", { className: "note" }, "No valid rating."),
      text(response.text));
    node.style.setProperty("--model", data.colours[model % data.colours.length]);
    return node;
  }

  // Jurors by responses, or by ordered pairs of them
  const about = (detail, block) => detail.responses[block.response].model + (block.against === undefined ? "" : ` before ${detail.responses[block.against].model}`);
  function matrix(detail, blocks, names, { criterion, round, rounds, replicates }) {
    const by = data.attributes.includes(get("by")) ? get("by") : "";
    const value = (seat) => String(data.jurors[seat].attributes[by] ?? "(not stated)");
    const levels = by ? [...new Set(data.jurors.map((_, seat) => value(seat)))].sort() : [];
    const words = get("rq").toLowerCase();
    const reason = (block, seat) => (block?.reasons?.[seat] >= 0 ? detail.texts[block.reasons[seat]] : "");
    let seats = data.jurors.map((_, seat) => seat);
    if (by && get("level")) seats = seats.filter((seat) => value(seat) === get("level"));
    if (words) seats = seats.filter((seat) => `${data.jurors[seat].id} ${Object.values(data.jurors[seat].attributes).join(" ")} ${blocks.map((block) => reason(block, seat)).join(" ")}`.toLowerCase().includes(words));
    const order = get("order", "seat");
    const key = order === "weight" ? (seat) => -data.jurors[seat].weight : order.startsWith("r") ? (seat) => -(blocks[Number(order.slice(1))]?.points[seat] ?? 0) : order === "group" && by ? value : (seat) => seat;
    seats.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a - b));
    const control = (label, name, options, chosen) => {
      const node = make("select", {}, ...options.map(([v, t]) => make("option", { value: v, selected: v === chosen }, t)));
      node.dataset.keep = name;
      node.addEventListener("change", () => change({ [name]: node.value, ...(name === "by" ? { level: "" } : {}) }));
      return make("label", {}, `${label} `, node);
    };
    const search = make("input", { type: "search", value: get("rq") });
    search.dataset.keep = "rq";
    search.addEventListener("input", () => change({ rq: search.value }));
    const some = (values) => values.length > 1;
    const controls = make("div", { className: "controls" },
      make("label", { className: "wide" }, "Search in jurors and reasons ", search),
      control("Group by", "by", [["", "nothing"], ...data.attributes.map((a) => [a, a.replaceAll("_", " ")])], by),
      by ? control("Only", "level", [["", "all"], ...levels.map((l) => [l, l])], get("level")) : null,
      control("Order by", "order", [["seat", "seat"], ["weight", "weight"], ...(by ? [["group", by.replaceAll("_", " ")]] : []), ...names.map((name, at) => [`r${at}`, `answer on ${name}`])], order),
      some(data.criteria) ? control("Criterion", "criterion", data.criteria.map((c, at) => [String(at), c.name]), String(criterion)) : null,
      some(rounds) ? control("Ballot", "round", rounds.map((r) => [String(r), ballot(r)]), String(round)) : null,
      some(replicates) ? control("Replicate", "replicate", replicates.map((r) => [String(r), String(r + 1)]), get("replicate", "0")) : null,
      make("output", { "aria-live": "polite" }, `${seats.length} of ${data.jurors.length} jurors`));
    const most = Number(get("rows", "200"));
    const rows = seats.slice(0, most).map((seat) => make("tr", { "aria-selected": String(get("juror") === String(seat)) },
      make("th", { scope: "row" }, chooser(seat)),
      by ? make("td", {}, value(seat)) : null,
      ...blocks.map((block) => cell(block?.points[seat] ?? 0, criterion, reason(block, seat)))));
    return [
      make("h3", {}, data.criteria[criterion].question),
      make("p", { className: "note" }, data.criteria[criterion].points.map((point, at) => `${at + 1} ${point}`).join(" · ")),
      controls,
      make("div", { className: "bench" },
        make("div", { className: "scroll tall", tabIndex: 0, role: "group", "aria-label": "Ratings by juror and response" }, make("table", { id: "matrix" },
          make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Juror"), by ? make("th", { scope: "col" }, by.replaceAll("_", " ")) : null, ...names.map((name) => make("th", { scope: "col" }, name)))),
          make("tbody", {}, ...rows)),
        seats.length > most ? make("button", { type: "button", onclick: () => change({ rows: String(most + 200) }) }, "Show more jurors") : null),
        make("div", { id: "juror", "aria-live": "polite" }, make("p", { className: "note" }, "Choose a juror to see the persona, the reasons and the distributions."))),
    ];
  }
  function chooser(seat) {
    const node = make("button", { type: "button", onclick: () => change({ juror: String(seat) }) }, data.jurors[seat].id);
    node.dataset.keep = `seat-${seat}`;
    return node;
  }
  function cell(point, criterion, why) {
    if (point <= 0) return make("td", { className: "cell status" }, status(point));
    const node = make("td", { className: "cell", title: `${data.criteria[criterion].points[point - 1]}${why ? `: ${why}` : ""}` }, String(point));
    node.style.background = colour(utility(criterion, point));
    return node;
  }

  function juror(detail, seat) {
    const who = data.jurors[seat];
    if (!who) return;
    const answers = detail.blocks.filter((block) => block.points[seat] !== 0).map((block) => {
      const width = data.criteria[block.criterion].points.length;
      const shares = block.shares?.slice(seat * width, (seat + 1) * width);
      const point = block.points[seat];
      const raw = block.raw?.find(([at]) => at === seat)?.[1];
      const place = [data.criteria.length > 1 ? data.criteria[block.criterion].name : "", new Set(detail.blocks.map((one) => one.round)).size > 1 ? ballot(block.round) : "", block.replicate ? `replicate ${block.replicate + 1}` : ""].filter(Boolean).join(", ");
      return make("div", { className: "said" },
        make("p", {}, make("strong", {}, about(detail, block)), `${place ? ` (${place})` : ""}: ${point > 0 ? `${point}, ${data.criteria[block.criterion].points[point - 1]}` : status(point)}`),
        shares && shares[0] >= 0 ? bar(shares.map((share) => share / 1000), block.criterion) : null,
        block.reasons?.[seat] >= 0 ? make("p", { className: "text" }, detail.texts[block.reasons[seat]]) : null,
        raw ? folded("Raw reply", text(raw)) : null);
    });
    $("#juror").replaceChildren(make("section", { className: "juror", "aria-label": `Juror ${who.id}` },
      make("h3", { tabIndex: -1 }, `Juror ${who.id}`),
      make("p", { className: "note" }, `Seat ${seat + 1}; weight ${(who.weight * data.jurors.length).toFixed(2)} of an equal share; answered by ${who.mind}`),
      pairs(who.attributes),
      who.values ? folded("Value priorities", pairs(who.values)) : null,
      who.narrative ? folded("Narrative", text(who.narrative)) : null,
      folded("Portrait: the persona as a language model is told it", text(who.portrait)),
      ...answers,
      ...prompts(detail, seat, who.mind),
      make("button", { type: "button", onclick: () => { change({ juror: "" }); } }, "Close")));
  }

  // What models were sent, word for word; minds that read no prompt say so
  const UNPROMPTED = { human: "A person answered this seat in a form.", llm: "No prompt to this juror about this item is at hand." };
  const named = (detail, about) => about.replace(/^response ([A-Z])/, (said, letter) => `${said} (${detail.responses[letter.charCodeAt(0) - 65]?.model ?? "?"})`);
  function sent(detail, seat) {
    return (detail.prompts ?? []).filter((one) => one.seat === seat).map((one) => folded(
      `Prompt and reply: ${one.purpose}${one.about ? `, ${named(detail, one.about)}` : ""}, ${ballot(one.round)}${one.calls > 1 ? `, sent ${one.calls} times` : ""}`,
      ...one.messages.flatMap(([role, lines]) => [make("p", { className: "note" }, role), text(lines.map((line) => detail.lines[line]).join("\n"))]),
      ...one.replies.flatMap((reply) => [make("p", { className: "note" }, "reply"), text(reply)])));
  }
  function prompts(detail, seat, mind) {
    const made = sent(detail, seat);
    const kind = data.kinds[mind];
    const said = detail.prompts_note || data.prompts_note;
    if (!made.length) made.push(make("p", { className: "note" }, kind === "llm" && said ? said : UNPROMPTED[kind] ?? "This juror's mind reads no prompt: it computes answers from the persona and the texts by declared parameters."));
    else if (said) made.push(make("p", { className: "note" }, said));
    return [make("h4", {}, "Prompts and raw replies"), ...made];
  }

  function talk(detail) {
    if (!detail.talk.length) return [];
    const ordered = [...detail.talk].sort((a, b) => (a.kind === "closed") - (b.kind === "closed"));
    const turns = ordered.map((turn) => turn.kind === "closed" ? make("p", { className: "note" }, `Talk ended after round ${turn.round}: ${turn.text ?? "for no stated reason"}.`) : make("div", { className: "said" },
      make("p", { className: "note" }, `Round ${turn.round}, ${turn.kind}: ${turn.juror < 0 ? "mediator" : `juror ${data.jurors[turn.juror]?.id ?? turn.juror}`}${turn.status === "ok" ? "" : ` (${turn.status})`}`),
      text(turn.text ?? ""),
      turn.raw ? folded("Raw reply", text(turn.raw)) : null));
    return [make("h3", {}, "What was said"), ...turns, ...sent(detail, -1)];
  }

  // Light and dark
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const paint = () => { document.documentElement.dataset.theme = chosen ?? (dark.matches ? "dark" : "light"); };
  dark.addEventListener("change", paint);
  $("#theme").addEventListener("click", () => { chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark"; paint(); });
  paint();

  window.addEventListener("hashchange", read);
  read();
  await Promise.all(Object.entries(data.figures).map(([name, figure]) => draw(name, figure)));
  rank();
  if (state.view !== "overview" && state.view !== "item") document.getElementById(state.view)?.scrollIntoView({ behavior: "instant" });
  document.documentElement.dataset.ready = "true";
})();
