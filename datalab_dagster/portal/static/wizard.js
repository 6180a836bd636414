/* Shows next to each dataset which chosen collaboration types need it; the server checks the same when the form is sent. */
(function () {
  "use strict";
  var types = Array.prototype.slice.call(document.querySelectorAll('input[name="type"]'));
  var datasets = Array.prototype.slice.call(document.querySelectorAll('input[name="dataset"]'));
  if (!types.length) { return; }
  function there(kind) { return datasets.some(function (box) { return box.value === kind && box.checked; }); }
  function show() {
    document.querySelectorAll("[data-asked]").forEach(function (place) {
      var kind = place.dataset.asked, asking = [], lacking = false;
      types.forEach(function (box) {
        if (!box.checked) { return; }
        box.dataset.must.split("|").forEach(function (part) {
          var kinds = part.split(" or ");
          if (kinds.indexOf(kind) < 0) { return; }
          var others = kinds.filter(function (other) { return other !== kind; });
          asking.push(box.closest(".card").querySelector("b").textContent + (others.length ? " (or " + others.join(" or ") + ")" : ""));
          lacking = lacking || !kinds.some(there);
        });
      });
      place.textContent = asking.length ? "Needed by " + asking.join(", ") : "";
      place.classList.toggle("lacking", lacking);
    });
  }
  types.concat(datasets).forEach(function (box) { box.addEventListener("change", show); });
  document.querySelectorAll("[data-counts]").forEach(function (count) {
    count.addEventListener("input", function () { if (count.value) { document.getElementById(count.dataset.counts).checked = true; show(); } });
  });
  show();
})();
