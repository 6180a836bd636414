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
  function isBusy() {
    return Array.prototype.some.call(document.querySelectorAll("#provision select"), function (s) { return s.value !== ""; });
  }
  function changed() {
    if (!isBusy()) { location.reload(); return; }
    var note = document.createElement("p"), button = document.createElement("button");
    note.className = "changed";
    note.setAttribute("role", "status");
    note.textContent = "Something changed here since you opened the page. ";
    button.textContent = "Show it";
    button.addEventListener("click", function () { location.reload(); });
    note.append(button);
    document.body.append(note);
  }
  var waits = 0;
  function later(task, seconds) { setTimeout(task, 1000 * Math.min(30, seconds * Math.pow(2, waits))); }
  function followRun() {
    ask(base + "/runs/" + encodeURIComponent(main.dataset.run) + ".json").then(function (page) {
      waits = 0;
      if (page.run.state !== "STARTED") { changed(); return; }
      show(page.progress);
      later(followRun, 1);
    }).catch(function () { waits += 1; later(followRun, 1); });
  }
  /* A validation may start automatically, if the sensors run. */
  function awaitRun() {
    if (document.hidden) { later(awaitRun, 4); return; }
    ask(base + ".json").then(function (page) {
      waits = 0;
      var run = page.run ? page.run.runId : "";
      if (run !== main.dataset.run || page.lab.state.state !== main.dataset.state) { changed(); return; }
      later(awaitRun, 4);
    }).catch(function () { waits += 1; later(awaitRun, 4); });
  }
  if (main.hasAttribute("data-active")) { later(followRun, 1); } else if (main.dataset.state === "Stale") { later(awaitRun, 3); }
})();
