// Draws each [data-chart] from the cells of its table. The colours are those of the legend's
// swatches, so that tokens, a tenant's brand and the theme hold here too.
const DASHES = [[], [6, 4], [2, 3], [8, 3, 2, 3]];
const drawn = [];
const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any colour that CSS knows as red, green and blue: what the library understands. */
function rgb(colour, alpha = 1) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

function read(section) {
  const rows = [...section.querySelectorAll("tbody tr")];
  const heads = [...section.querySelectorAll("thead th")];
  return {
    labels: rows.map((row) => row.querySelector("th").textContent),
    series: heads.map((head, at) => ({
      label: head.textContent,
      values: rows.map((row) => Number(row.querySelectorAll("td")[at].dataset.value)),
    })),
  };
}

function coloursOf(section) {
  const about = section.querySelector(".dm-chart__about");
  const swatches = [...section.querySelectorAll(".dm-chart__swatch")];
  return {
    series: swatches.map((swatch) => getComputedStyle(swatch).backgroundColor),
    text: rgb(getComputedStyle(about).color),
    line: rgb(getComputedStyle(section).borderTopColor),
  };
}

function lineStyle(colour, at) {
  const shown = rgb(colour);
  return {
    borderColor: shown,
    backgroundColor: rgb(colour, 0.12),
    pointBackgroundColor: shown,
    pointHoverBackgroundColor: shown,
    borderDash: DASHES[at % DASHES.length],
    borderWidth: 2,
    pointRadius: 0,
    pointHoverRadius: 4,
    fill: at === 0 && "origin",
    tension: 0.25,
  };
}

function barStyle(colour) {
  const shown = rgb(colour);
  return { backgroundColor: shown, hoverBackgroundColor: rgb(colour, 0.8), borderRadius: 3, maxBarThickness: 28 };
}

function styles(colours, kind) {
  return colours.series.map((colour, at) => (kind === "line" ? lineStyle(colour, at) : barStyle(colour)));
}

function paint(chart, section) {
  const colours = coloursOf(section);
  const styled = styles(colours, section.dataset.chart);
  chart.data.datasets.forEach((set, at) => Object.assign(set, styled[at]));
  for (const scale of Object.values(chart.options.scales)) {
    scale.ticks.color = colours.text;
    scale.grid.color = colours.line;
    scale.border.color = colours.line;
  }
  chart.update("none");
}

function scales(kind, stacked, { text: color, line }) {
  const lies = kind === "rows";
  const border = { color: line };
  const counted = {
    beginAtZero: true,
    stacked,
    border: { ...border },
    grid: { color: line },
    ticks: { color, precision: 0, maxTicksLimit: 5 },
  };
  const named = {
    stacked,
    border: { ...border },
    grid: { display: false },
    ticks: { color, maxRotation: 0, autoSkip: !lies, autoSkipPadding: 16 },
  };
  return lies ? { x: counted, y: named } : { x: named, y: counted };
}

function draw(Chart, section) {
  const { labels, series } = read(section);
  const kind = section.dataset.chart;
  const plot = section.querySelector(".dm-chart__plot");
  plot.hidden = false;
  const colours = coloursOf(section);
  const styled = styles(colours, kind);
  const chart = new Chart(plot.querySelector("canvas"), {
    type: kind === "line" ? "line" : "bar",
    data: { labels, datasets: series.map(({ label, values }, at) => ({ label, data: values, ...styled[at] })) },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: kind === "rows" ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: kind === "rows" ? "y" : "x" },
      plugins: { legend: { display: false } },
      scales: scales(kind, "stacked" in section.dataset, colours),
    },
  });
  drawn.push([chart, section]);
}

function repaint() {
  // After the theme's own script has set its class and styles are known.
  requestAnimationFrame(() => drawn.forEach(([chart, section]) => paint(chart, section)));
}

export async function watchCharts() {
  const sections = [...document.querySelectorAll("[data-chart]")];
  if (!sections.length) return;
  await import("../vendor/chartjs/chart.umd.min.js");
  const { Chart } = globalThis;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  sections.forEach((section) => draw(Chart, section));
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

watchCharts();
