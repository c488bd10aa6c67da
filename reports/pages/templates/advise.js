// The form's answers: comparisons over what Python says is known. The rules are those of
// reports/facts/advise.py, name by name, and the words come from there too.
"use strict";
(() => {
  const part = (id) => document.getElementById(id);
  const { cells, settings, words, names, toml, most_hz } = JSON.parse(
    part("advise-evidence").textContent,
  );
  const MET = "met", NOT_MET = "not met", NOT_MEASURED = "not measured";
  const given = (value) => value !== undefined && value !== null;

  const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const fill = (key, need, values) => filled(words[`${key}.${need}`] ?? words[key], values);
  const sentence = (key, need, values) => {
    const text = fill(key, need, values);
    return text.charAt(0).toUpperCase() + text.slice(1);
  };
  const trimmed = (text) => {
    const [whole, part = ""] = text.split(".");
    const rest = part.replace(/0+$/, "");
    return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest && `.${rest}`);
  };
  const spelled = (value) =>
    trimmed(value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3));
  const rate = (value) => trimmed(value.toFixed(3));
  const time = (ms) => (ms >= 1000 ? `${spelled(ms / 1000)} s` : `${spelled(ms)} ms`);

  const holds = (k, limit) => given(k.at_most_ms) && k.at_most_ms <= limit;
  const exceeds = (k, limit) => {
    if (k.overloaded || !given(k.at_least_ms)) return Boolean(k.overloaded);
    if (!given(k.at_most_ms) && given(k.bears)) return k.at_least_ms >= limit;
    return k.at_least_ms > limit;
  };
  const below = (k, limit) => given(k.value_ms) && k.value_ms <= limit;
  const above = (k, limit) => given(k.value_ms) && k.value_ms >= limit && !holds(k, limit);

  const lightest = (k) => [k.rate_hz, k.clients, -(k.at_most_ms ?? 0)];
  const heaviest = (k) => [-k.rate_hz, -k.clients, k.at_least_ms ?? 0];
  const mostClients = (k) => [-k.clients, k.rate_hz, -(k.at_most_ms ?? 0)];
  const before = (one, other) => {
    const differs = one.findIndex((value, place) => value !== other[place]);
    return differs >= 0 && one[differs] < other[differs];
  };
  const first = (found, key) =>
    found.reduce((best, k) => (best && !before(key(k), key(best)) ? best : k), undefined);

  function ruled(ask, known) {
    const { limit } = ask;
    const heavier = known.filter((k) => k.clients >= ask.clients && k.rate_hz >= ask.rate_hz);
    const lighter = known.filter((k) => k.clients <= ask.clients && k.rate_hz <= ask.rate_hz);
    const held = first(heavier.filter((k) => holds(k, limit)), lightest);
    const missed = first(lighter.filter((k) => exceeds(k, limit)), heaviest);
    if (held && missed && ask.need !== "silent")
      return { decision: NOT_MEASURED, grounds: "disagree", known: held, against: missed };
    if (held) return { decision: MET, grounds: "held", known: held };
    if (missed) {
      const by = given(missed.bears) ? "beyond-load" : "beyond-time";
      return { decision: NOT_MET, grounds: missed.overloaded ? "overloaded" : by, known: missed };
    }
    const seen = known.filter((k) => given(k.value_ms) || k.overloaded);
    const kept = seen.filter((k) => holds(k, limit));
    const near = [
      ["undecided", first(heavier.filter((k) => below(k, limit)), lightest)],
      ["undecided", first(lighter.filter((k) => above(k, limit)), heaviest)],
      ["fewer", first(kept.filter((k) => k.rate_hz >= ask.rate_hz), mostClients)],
      ["slower", first(kept.filter((k) => k.clients >= ask.clients), heaviest)],
      ["other", first(kept, heaviest) ?? first(seen, heaviest)],
      ["distrusted", known[0]],
      ["nothing", {}],
    ];
    const [grounds, found] = near.find((each) => each[1]);
    return { decision: NOT_MEASURED, grounds, known: found };
  }

  function reason(ask, { grounds, known, against }, percent) {
    const asked = ask.need === "broadcast" ? ask.clients : ask.rate_hz;
    return sentence(grounds, ask.need, {
      told: known.told,
      against: against?.told,
      excess: time((known.value_ms ?? 0) - ask.limit),
      times: known.bears ? spelled(asked / known.bears) : "",
      clients: spelled(ask.clients),
      rate: rate(ask.rate_hz),
      percent: given(percent) ? spelled(percent) : "",
    });
  }

  const keptBy = (ms) => settings.findLast((each) => each.limit_s * 1000 <= ms);
  const messages = (needs, need) =>
    need === "broadcast" ? needs.clients * needs.broadcast : needs.clients * needs.echo;

  function asks(needs) {
    const { clients, echo, broadcast, p99, detect } = needs;
    return [
      { need: "clients", clients, rate_hz: 0, limit: 0 },
      echo && { need: "echo", clients, rate_hz: clients * echo, limit: p99 },
      broadcast && { need: "broadcast", clients, rate_hz: broadcast, limit: p99 },
      detect && { need: "silent", clients: 0, rate_hz: 0, limit: detect },
    ].filter(Boolean);
  }

  function judged(needs, cell, ask) {
    const cost = cell.cost_us[ask.need];
    const percent = given(cost) ? (cost * messages(needs, ask.need)) / 10000 : undefined;
    const ruling = ruled(ask, cell.known[ask.need]);
    if (ruling.decision === NOT_MEASURED && percent > 100)
      Object.assign(ruling, { decision: NOT_MET, grounds: "arithmetic" });
    const text = [reason(ask, ruling, percent)];
    if (ruling.decision === NOT_MEASURED && given(percent))
      text.push(sentence("would-take", "", { percent: spelled(percent) }));
    if (ask.need === "clients" && given(cell.connection_kib)) {
      const mib = (cell.connection_kib * needs.clients) / 1024;
      text.push(sentence("memory", "", { mib: spelled(mib) }));
    }
    if (ask.need === "silent" && ruling.decision !== MET) {
      const setting = keptBy(ask.limit);
      text.push(sentence(setting ? "setting" : "no-setting", "", { setting: setting?.told }));
    }
    return { need: ask.need, decision: ruling.decision, text: text.join(" ") };
  }

  function together(needs, cell) {
    const { echo, broadcast } = cell.cost_us;
    const alone = { need: "together", decision: NOT_MEASURED, text: sentence("alone", "", {}) };
    if (!given(echo) || !given(broadcast)) return alone;
    const taken = echo * messages(needs, "echo") + broadcast * messages(needs, "broadcast");
    const percent = taken / 10000;
    const values = { percent: spelled(percent) };
    if (percent > 100)
      return { ...alone, decision: NOT_MET, text: sentence("arithmetic", "", values) };
    return { ...alone, text: `${alone.text} ${sentence("would-take", "", values)}` };
  }

  // Both loads at once were never measured, which says nothing new of a cell.
  const counts = (one) => one.need !== "together" || one.decision === NOT_MET;

  function advised(needs, cell) {
    const advice = asks(needs).map((ask) => judged(needs, cell, ask));
    if (needs.echo && needs.broadcast) advice.push(together(needs, cell));
    const each = advice.filter(counts).map((one) => one.decision);
    const decision = [NOT_MET, NOT_MEASURED].find((one) => each.includes(one)) ?? MET;
    return { name: cell.name, advice, decision };
  }

  function toMeasure(needs, advice) {
    const setting = keptBy(needs.detect);
    const most = Math.max(needs.clients, 3);
    const values = {
      steps: `${Math.floor(most / 3)}, ${Math.floor((2 * most) / 3)}, ${most}`,
      count: needs.clients,
      whole_hz: Math.min(most_hz, Math.ceil(needs.clients * needs.echo)),
      broadcast_hz: Number(needs.broadcast.toPrecision(12)),
      interval_s: setting?.interval_s,
      timeout_s: setting?.timeout_s,
    };
    const lacking = new Set(
      advice.flatMap((cell) => cell.advice)
        .filter((one) => one.decision === NOT_MEASURED && (one.need !== "silent" || setting))
        .map((one) => one.need),
    );
    const tables = Object.keys(names).filter((need) => lacking.has(need) && need in toml);
    const texts = ["file", ...tables].map((need) => filled(toml[need], values));
    return tables.length ? `${texts.join("\n\n")}\n` : "";
  }

  function element(tag, text, className) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  const kinds = { [MET]: "met", [NOT_MET]: "missed" };

  function line(one) {
    const made = element("li", `${names[one.need]}: `, kinds[one.decision]);
    made.dataset.need = one.need;
    made.append(element("b", one.decision), `. ${one.text}`);
    return made;
  }

  // A fold for each cell: a verdict for each need at a glance, and why when it is opened.
  function fold(cell) {
    const made = document.createElement("details");
    const head = element("summary", "");
    head.append(element("strong", cell.name));
    for (const one of cell.advice.filter(counts)) {
      const verdict = element("span", `${names[one.need]}: `, kinds[one.decision]);
      verdict.append(element("b", one.decision));
      head.append(" ", verdict);
    }
    const list = document.createElement("ul");
    list.append(...cell.advice.map(line));
    made.append(head, list);
    return made;
  }

  function show(needs) {
    const advice = cells.map((cell) => advised(needs, cell));
    const sums = [MET, NOT_MET, NOT_MEASURED].flatMap((decision) => {
      const found = advice.filter((cell) => cell.decision === decision);
      const list = found.map((cell) => cell.name).join(", ");
      return found.length ? [element("p", sentence("cells", decision, { cells: list }))] : [];
    });
    part("advise-sum").replaceChildren(...sums);
    part("advise-cells").replaceChildren(...advice.map(fold));
    const measure = toMeasure(needs, advice);
    part("advise-measure").hidden = !measure;
    part("advise-measure").querySelector("code").textContent = measure;
  }

  const form = part("advise-form");
  const { clients, echo, broadcast, p99, detect } = form.elements;
  const number = (field) => (field.value === "" ? 0 : field.valueAsNumber);
  form.addEventListener("input", () => {
    p99.required = echo.value !== "" || broadcast.value !== "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show({
      clients: number(clients),
      echo: number(echo),
      broadcast: number(broadcast),
      p99: number(p99),
      detect: number(detect) * 1000,
    });
  });
  p99.required = true;
  part("advise").hidden = false;
  // The list of sections has it only where it is shown.
  const entry = document.createElement("li");
  const link = element("a", part("advise-title").textContent);
  link.href = "#advise";
  entry.append(link);
  document.querySelector('nav a[href="#short"]')?.parentNode.after(entry);
})();
