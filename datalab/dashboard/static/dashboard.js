/* The interactive parts of the page: theme, filter, population, segment search, charts from tables, download.
   All numbers are in the tables; nothing is fetched, and the page can be read without this script. */
(function () {
  "use strict";
  var root = document.documentElement;
  var byId = function (id) { return document.getElementById(id); };
  var all = function (selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); };
  root.classList.add("js");

  /* ---- theme: the system's until the user chooses one */
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var stored = { get: function () { try { return localStorage.getItem("datalab-theme"); } catch (e) { return null; } },
    set: function (v) { try { localStorage.setItem("datalab-theme", v); } catch (e) { /* private window: not kept */ } } };
  var theme = byId("theme");
  function isDark() { return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches; }
  function showTheme() { theme.setAttribute("aria-pressed", String(isDark())); }
  if (/^(dark|light)$/.test(stored.get() || "")) { root.dataset.theme = stored.get(); }
  theme.addEventListener("click", function () {
    root.dataset.theme = isDark() ? "light" : "dark";
    stored.set(root.dataset.theme);
    showTheme();
  });
  dark.addEventListener("change", showTheme);
  showTheme();
  byId("print").addEventListener("click", function () { window.print(); });

  /* ---- the report, to download */
  function reportText(element) {
    if (element.dataset.encoding === "json") { return Promise.resolve(element.textContent); }
    var bytes = Uint8Array.from(atob(element.textContent), function (c) { return c.charCodeAt(0); });
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }
  byId("download").addEventListener("click", function () {
    var element = byId("statistics");
    reportText(element).then(function (text) {
      var link = document.createElement("a");
      var name = element.dataset.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "data-lab";
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      link.download = name + "-" + element.dataset.file;
      link.click();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    });
  });

  /* ---- tables as data */
  function amount(text) { return /^[\d,]+$/.test(text || "") ? Number(text.replace(/,/g, "")) : null; }
  function percent(text) {
    text = text || "";
    if (text.charAt(0) === "<") { return 0.0005; }
    if (text.charAt(0) === ">") { return 0.9995; }
    return /%$/.test(text) ? parseFloat(text.replace(/,/g, "")) / 100 : null;
  }
  var tables = {};
  all("table.by-id").forEach(function (table) {
    var lead = Number(table.dataset.lead);
    tables[table.id] = { element: table, lead: lead, rows: all("tbody tr", table).map(function (tr, i) {
      return { tr: tr, at: i, cells: Array.prototype.map.call(tr.cells, function (td) { return td.textContent; }) };
    }) };
  });
  var state = { matchable: false, id: 0, search: "", top: 25 };
  var picker = byId("matching-id");
  function population() {
    return state.matchable ? "users matchable by " + picker.options[state.id].text : "all users";
  }
  function column(table) { return state.matchable ? table.lead + 2 * state.id : table.lead - 2; }
  var columnRules = document.createElement("style");
  document.head.appendChild(columnRules);
  function showColumns() {
    columnRules.textContent = Object.keys(tables).map(function (key) {
      var table = tables[key], first = table.lead + 1 + 2 * state.id, rows = "#" + key + " tr > ";
      var rule = rows + ":nth-child(n+" + (table.lead + 1) + ") { display: none; }";
      if (!state.matchable) { return rule; }
      return rule + rows + ":nth-child(" + first + "), " + rows + ":nth-child(" + (first + 1) + ") { display: table-cell; }";
    }).join("\n");
  }

  /* ---- charts: drawn by Vega-Lite from the rows of their table */
  var specs = JSON.parse(byId("charts").textContent);
  var drawn = {};
  function draw(place, name, rows, signals) {
    var spec = JSON.parse(JSON.stringify(specs[name]));
    spec.datasets = { rows: rows };
    if (spec.height.step) { spec.height = spec.height.step * rows.length; }
    Object.keys(signals || {}).forEach(function (key) {
      spec.params.forEach(function (param) { if (param.name === key) { param.value = signals[key]; } });
    });
    var turn = drawn[place.id] = (drawn[place.id] || 0) + 1;
    return window.vegaEmbed(place, spec, { mode: "vega-lite", actions: false, renderer: "svg", ast: true, defaultStyle: false, logLevel: 1,
      tooltip: { disableDefaultStyle: true } }).then(function (result) {
      var svg = place.querySelector("svg");
      if (svg) { svg.setAttribute("aria-hidden", "true"); svg.setAttribute("focusable", "false"); }
      if (turn !== drawn[place.id]) { result.finalize(); }
    });
  }
  function highest(values) { return Math.max.apply(null, [0.001].concat(values)); }
  function datum(table, row, nameAt) {
    var at = column(table), c = row.cells;
    return { name: c[nameAt], text: c[at], share: c[at + 1], allShare: c[table.lead - 1], value: percent(c[at + 1]) || 0,
      mark: state.matchable ? percent(c[table.lead - 1]) : null };
  }
  function caption(place, text) { byId(place.getAttribute("aria-labelledby")).textContent = text; }
  var reference = function () { return state.matchable ? " The mark shows all users." : ""; };
  var kinds = {
    segments: function (place, table) {
      var at = column(table), shown = table.rows.filter(function (row) { return !row.tr.hidden; });
      var rows = shown.slice(0, Number(place.dataset.max)).map(function (row) {
        var entry = datum(table, row, 0);
        entry.value = amount(row.cells[at]) || 0;
        entry.all = state.matchable ? amount(row.cells[table.lead - 2]) || 0 : entry.value;
        return entry;
      });
      if (!rows.length) {
        drawn[place.id] = (drawn[place.id] || 0) + 1;
        place.textContent = "";
        caption(place, "No segment has this in its name.");
        return null;
      }
      var more = shown.length > rows.length ? " The chart shows the first " + rows.length + "." : "";
      caption(place, "Number of " + population() + " per segment." + (state.matchable ? " The pale bar is all users." : "") + more);
      return draw(place, "segments", rows, { top: highest(rows.map(function (r) { return Math.max(r.value, r.all); })) });
    },
    per_user: function (place, table) {
      caption(place, "Share of " + population() + " by number of segments." + reference());
      var rows = table.rows.slice(0, 200).map(function (row) { return datum(table, row, 0); });
      return draw(place, "per_user", rows, { top: highest(rows.map(function (r) { return Math.max(r.value, r.mark || 0); })) });
    },
    pyramid: function (place, table) {
      var at = column(table), totals = new Map(), ages = [];
      table.rows.forEach(function (row) {
        totals.set(row.cells[1], (totals.get(row.cells[1]) || 0) + (amount(row.cells[2]) || 0));
        if (ages.indexOf(row.cells[0]) < 0 && ages.length < 60) { ages.push(row.cells[0]); }
      });
      var known = Array.from(totals.keys()).sort(function (a, b) {
        return (a === "n/a") - (b === "n/a") || totals.get(b) - totals.get(a) || (a < b ? -1 : 1); });
      var sides = known.slice(0, Number(place.dataset.sides));
      var top = 1.05 * highest(table.rows.map(function (row) {
        return Math.max(percent(row.cells[at + 1]) || 0, state.matchable ? percent(row.cells[table.lead - 1]) || 0 : 0); }));
      var unknown = function (age) { return age === "n/a"; };
      var order = ages.filter(function (age) { return !unknown(age); }).reverse().concat(ages.filter(unknown));
      place.textContent = "";
      place.classList.toggle("one", sides.length === 1);
      caption(place, "Share of " + population() + " by age and gender." + reference() +
        (known.length > sides.length ? " The " + sides.length + " largest genders." : ""));
      return Promise.all(sides.map(function (side, i) {
        var box = document.createElement("div"), title = document.createElement("p"), inner = document.createElement("div");
        title.className = "side-title"; title.textContent = side; inner.id = "pyramid-" + i;
        box.append(title, inner); place.append(box);
        var left = i % 2 === 0 && i + 1 < sides.length;
        box.className = left ? "left" : "right";
        var rows = order.map(function (age) {
          var row = table.rows.find(function (r) { return r.cells[0] === age && r.cells[1] === side; });
          var entry = row ? datum(table, row, 0) : { name: age, text: "0", share: "0.0%", value: 0, mark: null };
          entry.side = side;
          return entry;
        });
        return draw(inner, left ? "pyramid-left" : "pyramid-right", rows, { top: top });
      }));
    }
  };
  var places = all(".chart");
  places.forEach(function (place) { place.id = "chart-" + place.dataset.chart; });
  function drawAll() {
    return Promise.all(places.filter(function (place) { return place.clientWidth > 0; }).map(function (place) {
      var table = tables[place.dataset.table];
      place.closest("figure").hidden = !table.rows.length;
      return table.rows.length ? kinds[place.dataset.chart](place, table) : null;
    })).then(function () { root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1); });
  }

  /* ---- segments: search, how many, and their order */
  function showSegments() {
    var place = places.find(function (p) { return p.dataset.chart === "segments"; });
    if (!place) { return; }
    var table = tables[place.dataset.table], at = column(table), body = table.element.tBodies[0];
    var wanted = state.search.trim().toLocaleLowerCase();
    var size = function (row) { var n = amount(row.cells[at]); return n === null ? -1 : n; };
    table.rows.sort(function (a, b) { return size(b) - size(a) || a.at - b.at; });
    var found = 0, shown = 0;
    table.rows.forEach(function (row) {
      var fits = !wanted || row.cells[0].toLocaleLowerCase().indexOf(wanted) >= 0;
      found += fits;
      row.tr.hidden = !fits || (state.top > 0 && shown >= state.top);
      shown += !row.tr.hidden;
    });
    body.append.apply(body, table.rows.map(function (row) { return row.tr; }));
    var text = shown.toLocaleString("en") + " of " + found.toLocaleString("en") + (wanted ? " segments found" : " segments");
    byId("segment-count").textContent = text;
    return text;
  }
  function say(text) { byId("said").textContent = text; }

  /* ---- controls */
  function press(buttons, pressed) { buttons.forEach(function (b) { b.setAttribute("aria-pressed", String(b === pressed)); }); }
  var filters = all("[data-filter]");
  filters.forEach(function (button) {
    button.addEventListener("click", function () {
      press(filters, button);
      all(".dataset").forEach(function (section) {
        section.hidden = button.dataset.filter !== "" && section.dataset.dataset !== button.dataset.filter;
      });
      say("Showing " + button.textContent.trim());
      drawAll();
    });
  });
  var groups = all("[data-population]");
  function showPopulation() {
    press(groups, groups.find(function (b) { return (b.dataset.population === "matchable") === state.matchable; }));
    showColumns();
    showSegments();
    say("Charts show " + population());
    return drawAll();
  }
  groups.forEach(function (button) {
    button.addEventListener("click", function () { state.matchable = button.dataset.population === "matchable"; showPopulation(); });
  });
  if (picker) {
    picker.addEventListener("change", function () { state.id = Number(picker.value); state.matchable = true; showPopulation(); });
  }
  var waiting = 0;
  function later(task) { clearTimeout(waiting); waiting = setTimeout(task, 150); }
  if (byId("segment-search")) {
    byId("segment-search").addEventListener("input", function (event) {
      state.search = event.target.value;
      later(function () { say(showSegments()); drawAll(); });
    });
    byId("segment-top").addEventListener("change", function (event) {
      state.top = Number(event.target.value);
      say(showSegments());
      drawAll();
    });
  }
  var width = window.innerWidth;
  window.addEventListener("resize", function () {
    if (window.innerWidth !== width) { width = window.innerWidth; later(drawAll); }
  });
  showColumns();
  showSegments();
  drawAll();
})();
