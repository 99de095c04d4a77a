"use strict";
(() => {
  // A section that the reader opened or closed stays so, however often the page is written anew.
  const wanted = new Map();
  document.addEventListener("click", (event) => {
    const summary = event.target instanceof Element && event.target.closest(".rb-panes details[data-key] > summary");
    if (summary) wanted.set(summary.parentElement.dataset.key, !summary.parentElement.open);
  }, true);

  function keep() {
    for (const details of document.querySelectorAll(".rb-panes details[data-key]")) {
      const open = wanted.get(details.dataset.key);
      if (open !== undefined && details.open !== open) details.open = open;
    }
    // A live region must be there before its words are.
    for (const region of document.querySelectorAll("#rb-status:not([aria-live]), #rb-student:not([aria-live])")) {
      region.setAttribute("aria-live", "polite");
    }
  }
  new MutationObserver(keep).observe(document.documentElement, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["open"],
  });
})();
