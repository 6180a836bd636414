/* Uploads a file of any size in parts over the API: shows progress, pauses, and resumes where it stopped.
   Parts that are stored already are compared with the file before they are skipped. */
(function () {
  "use strict";
  var byId = function (id) { return document.getElementById(id); };
  var form = byId("upload"), input = byId("file"), title = byId("name");
  if (!form || !window.fetch || !Blob.prototype.slice) { return; }
  var token = form.elements.csrf_token.value;
  var box = byId("transfer"), bar = byId("transfer-bar"), text = byId("transfer-text");
  var AT_ONCE = 3, TRIES = 6, LONGEST_WAIT = 600000;
  var job = null, waiting = [], stored = [], refusals = 0;

  /* As datalab/formats.py writes sizes; only the browser knows what it has sent so far. */
  var units = box.dataset.sizeUnits.split(" ");
  function size(bytes) {
    if (bytes < 1000) { return Math.round(bytes) + (bytes === 1 ? " byte" : " bytes"); }
    var at = -1;
    do { bytes /= 1000; at += 1; } while (bytes >= 999.95 && at < units.length - 1);
    return bytes.toFixed(1) + " " + units[at];
  }
  function duration(seconds) {
    if (seconds < 60) { return Math.max(1, Math.round(seconds)) + " s"; }
    if (seconds < 5400) { return Math.round(seconds / 60) + " min"; }
    return (seconds / 3600).toFixed(1) + " h";
  }
  function ask(method, address, body, signal) {
    var headers = { Accept: "application/json", "X-CSRF-Token": token };
    if (body instanceof Blob) { headers["Content-Type"] = "application/octet-stream"; } else if (body) { headers["Content-Type"] = "application/json"; body = JSON.stringify(body); }
    return fetch("/api" + address, { method: method, headers: headers, body: body, credentials: "same-origin", signal: signal }).then(function (answer) {
      if (answer.status === 204) { return null; }
      return answer.json().catch(function () { return {}; }).then(function (answered) {
        if (answer.ok) { return answered; }
        var error = new Error(answered.error ? answered.error.message : "The portal answered with status " + answer.status + ".");
        error.status = answer.status;
        error.code = answered.error && answered.error.code;
        error.wait = answer.status === 503 && Number(answer.headers.get("Retry-After"));
        throw error;
      });
    });
  }
  function wait(ms) { return new Promise(function (done) { setTimeout(done, ms); }); }
  /* Retry after a lost connection or a busy server; a refused request would be refused again. */
  function again(task, left, end) {
    end = end || Date.now() + LONGEST_WAIT;
    return task().catch(function (error) {
      if (error.wait && Date.now() + 1000 * error.wait < end) {
        say("The deployment is storing other uploads; waiting …");
        return wait(1000 * error.wait).then(function () { return again(task, left, end); });
      }
      if (error.name === "AbortError" || (error.status && error.status < 500 && error.status !== 429) || left <= 1) { throw error; }
      say("Connection lost. Trying again in " + duration(0.5 * Math.pow(2, TRIES - left)) + ".");
      return wait(500 * Math.pow(2, TRIES - left)).then(function () { return again(task, left - 1, end); });
    });
  }
  function say(words) { text.textContent = words; }
  function hex(buffer) { return Array.prototype.map.call(new Uint8Array(buffer), function (b) { return b.toString(16).padStart(2, "0"); }).join(""); }

  function show() {
    var share = job.file.size ? job.done / job.file.size : 1;
    bar.value = share;
    if (job.paused) { say("Paused at " + size(job.done) + " of " + size(job.file.size)); return; }
    var seconds = (Date.now() - job.began) / 1000, speed = job.sent / Math.max(seconds, 0.1);
    var left = speed > 0 && seconds > 2 ? ", " + duration((job.file.size - job.done) / speed) + " left" : "";
    say(size(job.done) + " of " + size(job.file.size) + " (" + Math.floor(100 * share) + " %)" + (job.sent ? ", " + size(speed) + "/s" + left : ""));
  }
  function lengthOf(number) { return Math.min(job.partSize, job.file.size - number * job.partSize); }
  function part(number) { return job.file.slice(number * job.partSize, number * job.partSize + lengthOf(number)); }
  /* Whether a stored part equals the file's content now. If the browser cannot compare, the part is sent again. */
  function isSame(number) {
    if (!window.crypto || !crypto.subtle) { return Promise.resolve(false); }
    return Promise.all([ask("GET", job.address + "/parts/" + number, null, job.stop.signal), part(number).arrayBuffer().then(function (bytes) {
      return crypto.subtle.digest("SHA-256", bytes);
    })]).then(function (found) { return found[0].sha256 === hex(found[1]); }, function (error) {
      if (error.name === "AbortError" || error.name === "NotReadableError") { throw error; }
      return false;
    });
  }
  function send(number, known) {
    return (known ? isSame(number) : Promise.resolve(false)).then(function (same) {
      if (same) { return; }
      job.verifying = false;
      return again(function () { return ask("PUT", job.address + "/parts/" + number, part(number), job.stop.signal); }, TRIES).then(function () {
        job.sent += lengthOf(number);
      });
    }).then(function () { job.done += lengthOf(number); job.waiting.delete(number); show(); });
  }
  function worker() {
    if (job.paused || !job.next.length) { return Promise.resolve(); }
    var one = job.next.shift();
    return send(one[0], one[1]).then(worker);
  }
  function run() {
    job.stop = new AbortController();
    job.began = Date.now();
    job.sent = 0;
    box.classList.remove("broken");
    byId("transfer-pause").textContent = "Pause";
    return ask("GET", job.address, null, job.stop.signal).then(function (upload) {
      var stored = new Set();
      upload.stored.forEach(function (range) { for (var n = range[0]; n <= range[1]; n += 1) { stored.add(n); } });
      job.next = Array.from(job.waiting).map(function (n) { return [n, stored.has(n)]; });
      show();
      /* The first part alone: from it the portal recognises a file that is no dataset. */
      var first = job.next.length && job.next[0][0] === 0 ? job.next.shift() : null;
      return first ? send(first[0], first[1]) : null;
    }).then(function () {
      return Promise.all(Array.from({ length: AT_ONCE }, worker));
    }).then(function () {
      if (job.paused || job.waiting.size) { return; }
      say("Completing …");
      return again(function () { return ask("POST", job.address + "/complete", null, job.stop.signal); }, TRIES).then(function (dataset) {
        stored.push(dataset.manifestHash);
        told(job.name, "Stored.");
        reset(true);
        next();
      });
    }).catch(stopped);
  }
  function stopped(error) {
    if (!job || (job.paused && error.name === "AbortError")) { return; }
    job.stop.abort();
    if (error.code === "NotADataset") { refused(error); next(); return; }
    job.paused = true;
    box.classList.add("broken");
    byId("transfer-pause").textContent = "Resume";
    if (error.name === "NotReadableError" || error.name === "NotFoundError") {
      say("The file changed or can no longer be read. Choose it again; what was stored is kept.");
    } else {
      say((error.status ? error.message : "The connection broke.") + " What was stored is kept.");
    }
  }
  function refused(error) {
    if (job.address) { ask("DELETE", job.address).catch(function () { /* swept later */ }).then(list); }
    refusals += 1;
    told(job.name, error.message, true);
    reset(false);
  }
  /* What became of a file of several; the page that follows says more of those that are stored. */
  function told(name, words, isBad) {
    var list = byId("transfer-done"), item = document.createElement("li"), title = document.createElement("b");
    title.textContent = name;
    if (isBad) { item.className = "bad"; }
    item.append(title, " ", words);
    list.hidden = false;
    list.append(item);
  }
  /* The next file; after the last one the page of what is stored, unless a refusal has to be read first. */
  function next() {
    if (waiting.length) { begin(waiting[0], waiting.shift().name); return; }
    var address = "/datasets?" + stored.map(function (hash) { return "stored=" + hash; }).join("&");
    box.hidden = true;
    if (stored.length && !refusals) { location.assign(address); return; }
    if (stored.length) {
      var link = document.createElement("a"), item = document.createElement("li");
      link.href = address;
      link.textContent = "Show what is stored";
      item.append(link);
      byId("transfer-done").append(item);
    }
    input.value = "";
    input.focus();
  }
  function begin(file, name) {
    job = { file: file, done: 0, sent: 0, paused: false, stop: new AbortController(), next: [], waiting: new Set(), name: name };
    box.hidden = false;
    form.querySelector("button").disabled = true;
    byId("transfer-name").textContent = name + (waiting.length ? " (" + waiting.length + " more)" : "");
    bar.value = 0;
    say("Preparing …");
    window.onbeforeunload = function (event) { event.preventDefault(); };
    ask("POST", "/uploads", { name: name, size: file.size }, job.stop.signal).then(function (upload) {
      job.address = "/uploads/" + upload.uploadId;
      job.partSize = upload.partSize;
      for (var n = 0; n < upload.parts; n += 1) { job.waiting.add(n); }
      return run();
    }).catch(function (error) { stopped(error); if (job && !job.address) { reset(true); } });
  }
  function reset(keepWords) {
    window.onbeforeunload = null;
    form.querySelector("button").disabled = false;
    if (!keepWords) { box.hidden = true; }
    job = null;
  }
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    var files = Array.from(input.files);
    if (!files.length || job) { return; }
    waiting = files.slice(1);
    stored = [];
    refusals = 0;
    byId("transfer-done").textContent = "";
    begin(files[0], files.length === 1 && title.value.trim() || files[0].name);
  });
  byId("transfer-pause").addEventListener("click", function () {
    if (!job || !job.address) { return; }
    if (job.paused) { job.paused = false; run(); return; }
    job.paused = true;
    job.stop.abort();
    byId("transfer-pause").textContent = "Resume";
    show();
  });
  byId("transfer-cancel").addEventListener("click", function () {
    if (!job) { box.hidden = true; return; }
    job.paused = true;
    job.stop.abort();
    waiting = [];
    var gone = job.address ? ask("DELETE", job.address) : Promise.resolve();
    gone.catch(function () { /* swept later */ }).then(function () { reset(false); list(); if (stored.length) { next(); } });
  });
  /* One name for several files would say nothing. */
  input.addEventListener("change", several);
  function several() {
    title.disabled = input.files.length > 1;
    if (title.disabled) { title.value = ""; }
  }

  /* ---- files can be dropped */
  var place = document.querySelector(".upload");
  ["dragover", "dragleave", "drop"].forEach(function (name) {
    place.addEventListener(name, function (event) {
      event.preventDefault();
      place.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length && !job) { input.files = event.dataTransfer.files; several(); form.querySelector("button").focus(); }
    });
  });

  /* ---- uploads that were interrupted earlier */
  function list() {
    var shown = byId("unfinished");
    ask("GET", "/uploads").then(function (uploads) {
      shown.textContent = "";
      shown.hidden = !uploads.length;
      if (!uploads.length) { return; }
      var head = document.createElement("h3"), items = document.createElement("ul"), how = document.createElement("p");
      head.textContent = "Unfinished uploads";
      how.className = "hint";
      how.textContent = "Choose the same file under the same name again to resume; stored parts are not sent twice.";
      uploads.forEach(function (upload) {
        var stored = upload.stored.reduce(function (sum, r) { return sum + r[1] - r[0] + 1; }, 0);
        var item = document.createElement("li"), words = document.createElement("span"), button = document.createElement("button");
        words.textContent = upload.name + ": " + size(Math.min(upload.size, stored * upload.partSize)) + " of " + size(upload.size);
        button.type = "button"; button.className = "quiet"; button.textContent = "Discard";
        button.addEventListener("click", function () { ask("DELETE", "/uploads/" + upload.uploadId).then(list, list); });
        item.append(words, button);
        items.append(item);
      });
      shown.append(head, items, how);
    }).catch(function () { shown.hidden = true; });
  }
  list();
  /* A later reload does not say again what was stored. */
  if (location.search.indexOf("stored=") >= 0) { history.replaceState(null, "", location.pathname + location.hash); }
})();
