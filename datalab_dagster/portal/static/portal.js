/* Scripts of the pages: confirm before something is removed, and follow a validation.
   Without this script all pages can be read and all forms be sent. */
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-confirm]");
    if (button && !window.confirm(button.dataset.confirm)) { event.preventDefault(); }
  });
  var problems = document.getElementById("problems");
  if (problems) { problems.focus(); }

  /* ---- a lab or run that is active */
  var main = document.getElementById("main");
  if (!main.dataset.lab) { return; }
  var words = { PENDING: "waiting", RUNNING: "running", SUCCESS: "done", FAILED: "failed", SKIPPED: "skipped" };
  var base = "/datalabs/" + encodeURIComponent(main.dataset.lab);
  function ask(address) {
    return fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.json();
    });
  }
  function show(progress) {
    var done = 0;
    var missing = progress.some(function (group) {
      return group.steps.some(function (step) { return !document.querySelector('[data-step="' + CSS.escape(step.name) + '"]'); });
    });
    if (missing) { location.reload(); return; }
    progress.forEach(function (group) {
      done += group.done;
      var box = document.querySelector('[data-group="' + CSS.escape(group.title) + '"]');
      box.dataset.state = group.state;
      box.querySelector("[data-done]").textContent = group.done;
      group.steps.forEach(function (step) {
        var item = document.querySelector('[data-step="' + CSS.escape(step.name) + '"]');
        item.dataset.state = step.state;
        item.querySelector(".step-state").textContent = words[step.state];
        item.querySelector(".step-time").textContent = step.took;
      });
    });
    var whole = document.querySelector("[data-whole]");
    if (whole) { whole.value = done; }
  }
  /* Whether a reload would lose something: a dialog, a form that was filled in, an opened or filtered part. */
  var isTouched = false;
  document.addEventListener("input", function () { isTouched = true; });
  document.addEventListener("toggle", function () { isTouched = true; }, true);
  function changed(words) {
    var isOverview = main.hasAttribute("data-state") && !isTouched && !document.querySelector("dialog[open]");
    if (isOverview && (document.hidden || !document.querySelector(".changed"))) { location.reload(); return; }
    var note = document.querySelector(".changed") || document.createElement("p"), button = document.createElement("button");
    note.className = "changed";
    note.setAttribute("role", "status");
    note.textContent = words + " ";
    button.textContent = "Show it";
    button.addEventListener("click", function () { location.reload(); });
    note.append(button);
    document.body.append(note);
  }
  var waits = 0;
  function later(task, seconds) { return setTimeout(task, 1000 * Math.min(30, seconds * Math.pow(2, waits))); }
  function followRun() {
    ask(base + "/runs/" + encodeURIComponent(main.dataset.run) + ".json").then(function (page) {
      waits = 0;
      if (page.run.state !== "STARTED") { changed("The validation has ended."); return; }
      show(page.progress);
      later(followRun, document.hidden ? HIDDEN : 1);
    }).catch(function () { waits += 1; later(followRun, 1); });
  }
  /* Others may change the lab, and a validation may start automatically: every page of the lab shows it. */
  var VISIBLE = 4, HIDDEN = 30, seen = main.dataset.version, timer = 0;
  function follow() {
    ask(base + "/now?seen=" + encodeURIComponent(main.dataset.version)).then(function (now) {
      waits = 0;
      if (now.version !== seen) { seen = now.version; if (now.said) { changed(now.said); } }
      again();
    }).catch(function () { waits += 1; again(); });
  }
  function again() { timer = later(follow, document.hidden ? HIDDEN : VISIBLE); }
  document.addEventListener("visibilitychange", function () {
    if (timer && !document.hidden) { clearTimeout(timer); follow(); }
  });
  if (main.hasAttribute("data-active")) { later(followRun, 1); } else if (seen) { again(); }
})();
