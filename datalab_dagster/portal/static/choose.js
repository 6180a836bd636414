/* Opens the page on which a dataset is chosen in a dialog. Without this script its link opens the page itself. */
(function () {
  "use strict";
  if (!window.HTMLDialogElement || !window.DOMParser) { return; }
  var dialog = document.createElement("dialog"), opener = null, number = 0;
  dialog.className = "picker-dialog";
  dialog.setAttribute("aria-labelledby", "title-picker");
  document.body.append(dialog);
  function load(address) {
    var own = number += 1;
    dialog.setAttribute("aria-busy", "true");
    return fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.text();
    }).then(function (text) {
      var picker = new DOMParser().parseFromString(text, "text/html").getElementById("picker");
      if (!picker) { throw new Error("no picker"); }
      if (own !== number) { return; }
      dialog.removeAttribute("aria-busy");
      dialog.replaceChildren(document.adoptNode(picker));
      if (!dialog.open) { dialog.showModal(); }
      var first = dialog.querySelector("input[type=radio]:checked, input[type=radio], input[type=search]");
      if (first) { first.focus(); }
    }).catch(function () { location.assign(address); });
  }
  document.addEventListener("click", function (event) {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    var link = event.target.closest("a[data-picker], a[data-picker-page], a[data-picker-close]");
    if (!link) { return; }
    if (link.hasAttribute("data-picker")) { opener = link; } else if (!dialog.contains(link)) { return; }
    event.preventDefault();
    if (link.hasAttribute("data-picker-close")) { dialog.close(); } else { load(link.href); }
  });
  dialog.addEventListener("submit", function (event) {
    if (!event.target.hasAttribute("data-picker-filter")) { return; }
    event.preventDefault();
    load(event.target.action + "?" + new URLSearchParams(new FormData(event.target)).toString());
  });
  dialog.addEventListener("change", function (event) {
    var filter = event.target.closest("[data-picker-filter]");
    if (filter && event.target.type !== "search") { filter.requestSubmit(); }
  });
  dialog.addEventListener("close", function () { if (opener) { opener.focus(); } });
})();
