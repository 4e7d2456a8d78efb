"use strict";
(() => {
  const byId = (name) => document.getElementById(name);
  const SHOWN_BEFORE = 3;  // horizons of the given rows in the chart
  let token = "", chosenFile = null, given = "", shown = null, served = null;

  const address = (path) => new URL(path, document.baseURI).href;
  const headers = (more) => token ? { Authorization: `Bearer ${token}`, ...more } : { ...more };

  function make(name, text, attributes) {
    const item = document.createElement(name);
    if (text !== undefined) item.textContent = text;
    for (const [key, value] of Object.entries(attributes || {})) item.setAttribute(key, value);
    return item;
  }

  function fail(problem) {
    const place = byId("failure");
    place.replaceChildren(make("p", problem.error));
    if (problem.hint) place.append(make("p", problem.hint, { class: "hint" }));
    if (problem.request_id) place.append(make("p", `request ${problem.request_id}`, { class: "id" }));
    place.hidden = false;
  }

  async function problemOf(answer) {
    const text = await answer.text();
    try {
      const found = JSON.parse(text);
      if (found && found.error) return found;
    } catch (error) { /* the answer of a proxy, for example */ }
    return { error: `${answer.status} ${answer.statusText}: ${text.slice(0, 200)}` };
  }

  function parseCsv(text, delimiter, header) {
    const rows = [];
    let row = [], cell = "", quoted = false;
    for (let at = 0; at < text.length; at += 1) {
      const char = text[at];
      if (quoted) {
        if (char !== '"') cell += char;
        else if (text[at + 1] === '"') { cell += char; at += 1; } else quoted = false;
      } else if (char === '"') quoted = true;
      else if (char === delimiter) { row.push(cell.trim()); cell = ""; }
      else if (char === "\n") { rows.push([...row, cell.trim()]); row = []; cell = ""; }
      else cell += char;
    }
    if (cell || row.length) rows.push([...row, cell.trim()]);
    const filled = rows.filter((items) => items.some(Boolean));
    const [names, ...cells] = header.length ? [header, ...filled] : filled;
    return (cells || []).map((items) => Object.fromEntries((names || []).map((name, at) => [name, items[at]])));
  }

  function parseRows(text, data) {
    try {
      if (!/^\s*[[{]/.test(text)) return parseCsv(text, data.delimiter, data.names);
      const value = JSON.parse(text);
      if (Array.isArray(value)) return value;
      return value.data.map((cells) => Object.fromEntries(value.columns.map((name, at) => [name, cells[at]])));
    } catch (error) {
      return [];  // the server says what is wrong
    }
  }

  const number = (cell) => cell === null || cell === undefined || cell === "" || !Number.isFinite(Number(cell)) ? null : Number(cell);
  const labelOf = (row, names) => names.map((name) => row[name]).filter((value) => value !== undefined).join(" ");
  const decimalsOf = (rows, name) => Math.max(0, ...rows.map((row) => {
    const value = number(row[name]);
    return value === null ? 0 : (String(row[name]).split(".")[1] || "").length;
  }));

  function linesOf(rows, data) {
    const ends = /_(lo|hi|q)[\d.]+$/, labels = new Set([...data.columns.time, ...data.columns.series, "row"]);
    const names = Object.keys(rows[0]).filter((name) => !labels.has(name));
    const points = names.filter((name) => !(ends.test(name) && names.includes(name.replace(ends, ""))));
    const series = [...new Set(rows.map((row) => labelOf(row, data.columns.series)))];
    return series.flatMap((one) => points.map((name) => ({ series: one, name })));
  }

  function chartOf(line, rows, before, data) {
    const same = (row) => labelOf(row, data.columns.series) === line.series;
    const ahead = rows.filter(same), first = labelOf(ahead[0], data.columns.time);
    const own = before.filter(same);
    let end = own.length;
    while (end && number(own[end - 1][line.name]) === null) end -= 1;
    const past = own.slice(0, end).slice(-SHOWN_BEFORE * Math.max(ahead.length, 8));
    const times = [...past, ...ahead].map((row, at) => labelOf(row, data.columns.time) || String(row.row || at + 1));
    const whole = times.every((text) => /\d:\d\d:00$/.test(text));
    const levels = Object.keys(ahead[0]).filter((name) => name.startsWith(`${line.name}_lo`)).map((name) => name.slice(line.name.length + 3));
    const column = (name) => ahead.map((row) => number(row[name]));
    const measured = [...past.map((row) => number(row[line.name])), ...ahead.map(() => null)];
    return {
      x: { first: 0, runs: times.length > 1 ? [[1, times.length - 1]] : [] },
      labels: whole ? times.map((text) => text.slice(0, -3)) : times,
      first: past.length, decimals: Math.min(4, decimalsOf(ahead, line.name)), measured, forecast: column(line.name),
      ends: Object.fromEntries(levels.map((level) => [level, [column(`${line.name}_lo${level}`), column(`${line.name}_hi${level}`)]])),
      from: first,
    };
  }

  function fillTable(rows) {
    const names = Object.keys(rows[0]), head = make("thead"), body = make("tbody"), top = make("tr");
    const textual = names.map((name) => typeof rows[0][name] !== "number");
    names.forEach((name, at) => top.append(make("th", name, { scope: "col", ...(textual[at] ? {} : { class: "n" }) })));
    head.append(top);
    for (const row of rows.slice(0, 1000)) {
      const line = make("tr");
      names.forEach((name, at) => {
        const text = row[name] === null ? "" : String(row[name]).replace(/^-/, textual[at] ? "-" : "\u2212");
        line.append(at ? make("td", text, textual[at] ? {} : { class: "n" }) : make("th", text, { scope: "row" }));
      });
      body.append(line);
    }
    byId("table").replaceChildren(make("caption", served.title, { class: "hidden" }), head, body);
  }

  function rowsOf(answer) {
    if (!served.classes) return answer[served.key];
    return answer[served.key].map((row) => Object.fromEntries([
      [served.sequence, row.sequence], ["predicted", row.predicted],
      ...served.classes.map((name) => [`p_${name}`, row.probabilities[name]]),
    ]));
  }

  function showLines(rows, before, data) {
    const lines = linesOf(rows, data), select = byId("line");
    shown = { rows, before, lines };
    select.replaceChildren(...lines.slice(0, 500).map((line, at) => make("option", [line.series, line.name].filter(Boolean).join(" \u00b7 "), { value: at })));
    byId("chosen").hidden = lines.length < 2;
    draw(data);
  }

  function show(answer, before, data) {
    const rows = rowsOf(answer);
    shown = { rows };
    byId("result").hidden = false;
    if (byId("chart")) showLines(rows, before, data);
    fillTable(rows);
    byId("status").textContent = `${rows.length.toLocaleString("en-US")} rows by model version ${answer.version}.`;
    const warnings = answer.warnings || [], list = make("ul");
    list.append(...warnings.map((item) => make("li", item.text)));
    byId("warnings").replaceChildren(make("h3", warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`), list);
    byId("warnings").hidden = !warnings.length;
  }

  function draw(data) {
    const line = shown.lines[Number(byId("line").value) || 0];
    const chart = chartOf(line, shown.rows, shown.before, data);
    byId("chart").querySelector(".chart").setAttribute("aria-label", `Forecast of ${line.name} from ${chart.from}`);
    window.lstmChart(byId("chart"), chart);
  }

  function query() {
    const values = new URLSearchParams();
    for (const name of ["horizon", "quantiles", "series"]) {
      const value = byId(name) ? byId(name).value.trim() : "";
      if (value) values.append(name, value);
    }
    const text = values.toString().replace(/%2C/g, ",");
    return text ? `?${text}` : "";
  }

  function mediaType() {
    if (chosenFile) return "application/vnd.apache.parquet";
    return /^\s*[[{]/.test(byId("rows").value) ? "application/json" : "text/csv";
  }

  async function ask(body, data) {
    const buttons = document.querySelectorAll("#form button");
    for (const button of buttons) button.disabled = true;
    for (const name of ["failure", "warnings", "result"]) byId(name).hidden = true;
    byId("answer").hidden = false;
    byId("status").textContent = "The answer is computed.";
    try {
      const more = body === null ? {} : { "Content-Type": mediaType() };
      const answer = await fetch(address(`${served.route}${query()}`), {
        method: body === null ? "GET" : "POST", body, headers: headers({ Accept: "application/json", ...more }),
      });
      byId("status").textContent = "";
      if (!answer.ok) return fail(await problemOf(answer));
      show(await answer.json(), parseRows(body === null || chosenFile ? given : body, data), data);
    } catch (error) {
      byId("status").textContent = "";
      fail({ error: `the server cannot be reached: ${error.message}`, hint: "" });
    } finally {
      for (const button of buttons) button.disabled = false;
      byId("answer").scrollIntoView({ block: "nearest" });
    }
  }

  function save(name, text) {
    const link = make("a", "", { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function asCsv(rows) {
    const quote = (value) => value === null ? "" : /[",\n]/.test(value) ? `"${String(value).replace(/"/g, '""')}"` : String(value);
    const names = Object.keys(rows[0]);
    return [names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) => cells.map(quote).join(",")).join("\n") + "\n";
  }

  const shellWord = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\"'\"'")}'`;

  function writeCurl() {
    const url = shellWord(address(`${served.route}${query()}`));
    const secret = byId("token") ? ' -H "Authorization: Bearer $TOKEN"' : "";
    if (byId("curl-newest")) byId("curl-newest").textContent = `curl -sS${secret} ${url}`;
    const rows = byId("curl-rows");
    if (rows) rows.textContent = `curl -sS${secret} -H 'Content-Type: ${mediaType()}' --data-binary @${fileName()} ${url}`;
    if (byId("save-rows")) byId("save-rows").textContent = `Save the rows as ${fileName()}`;
  }

  const fileName = () => chosenFile ? shellWord(chosenFile.name) : mediaType() === "text/csv" ? "rows.csv" : "rows.json";

  async function choose(file) {
    chosenFile = null;
    byId("rows").disabled = false;
    if (!file) return;
    if (/\.(parquet|pq)$/i.test(file.name)) {
      chosenFile = file;
      byId("rows").disabled = true;
    } else byId("rows").value = await file.text();
    writeCurl();
  }

  function start() {
    const data = served = JSON.parse(byId("serve-data").textContent);
    given = byId("rows").value;
    if (byId("token")) {
      byId("token").value = token;
      byId("token").addEventListener("input", () => { token = byId("token").value.trim(); });
    }
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      ask(chosenFile || byId("rows").value, data);
    });
    if (byId("newest")) byId("newest").addEventListener("click", () => ask(null, data));
    byId("file").addEventListener("change", () => choose(byId("file").files[0]));
    byId("form").addEventListener("input", writeCurl);
    if (byId("line")) byId("line").addEventListener("change", () => draw(data));
    byId("save").addEventListener("click", () => save(`${served.title.toLowerCase()}.csv`, asCsv(shown.rows)));
    if (byId("save-rows")) byId("save-rows").addEventListener("click", () => save(fileName(), byId("rows").value));
    writeCurl();
  }

  async function signIn(event) {
    event.preventDefault();
    token = byId("token").value.trim();
    byId("failure").hidden = true;
    try {
      const answer = await fetch(address("."), { headers: headers({ Accept: "text/html" }) });
      if (!answer.ok) return fail({ error: answer.status === 401 ? "This token is wrong." : (await problemOf(answer)).error });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = page.title;
      for (const name of ["header", "main"]) {
        document.querySelector(name).replaceWith(document.adoptNode(page.querySelector(name)));
      }
      document.body.append(document.adoptNode(page.getElementById("serve-data")));
      start();
    } catch (error) {
      fail({ error: `the server cannot be reached: ${error.message}` });
    }
  }

  if (byId("sign-in")) byId("sign-in").addEventListener("submit", signIn);
  else start();
})();
