"use strict";
for (const source of document.querySelectorAll("script.figure")) {
  const { data, layout } = JSON.parse(source.textContent);
  Plotly.newPlot(source.dataset.plot, data, layout, { responsive: true, displayModeBar: false, scrollZoom: false, doubleClick: false });
}

const examples = [...document.querySelectorAll(".example")];
const family = document.getElementById("family");
const button = document.getElementById("open");

function filter() {
  const flip = document.querySelector("input[name=flip]:checked").value;
  let shown = 0;
  for (const example of examples) {
    const fits = (flip === "all" || example.dataset.flip === flip) && (!family.value || example.dataset.family === family.value);
    example.hidden = !fits;
    shown += fits;
  }
  document.getElementById("count").textContent = `${shown} of ${examples.length} shown`;
  document.getElementById("none").hidden = shown > 0;
}

function openAll(open) {
  for (const example of examples) example.open = open;
  button.textContent = open ? "Close all" : "Open all";
}

if (family) {
  for (const control of [family, ...document.querySelectorAll("input[name=flip]")]) control.addEventListener("change", filter);
  button.addEventListener("click", () => openAll(button.textContent === "Open all"));
  filter();
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const plot of document.querySelectorAll(".plot")) Plotly.Plots.resize(plot);
});
