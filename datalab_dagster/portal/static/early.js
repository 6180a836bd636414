/* Before anything is shown: that there are scripts, and the theme that was chosen, so that no page flashes. */
(function () {
  "use strict";
  document.documentElement.classList.add("js");
  try {
    var chosen = localStorage.getItem("datalab-theme");
    if (chosen === "dark" || chosen === "light") { document.documentElement.dataset.theme = chosen; }
  } catch (e) { /* private window: the system's theme */ }
})();
