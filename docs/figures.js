// Interactive figures. A page holds a drawing of each; where scripts run and it comes into view, plotly.js draws the same
// data in its place, in the colours of the page, with a slider over the seeds. Nothing moves by itself.

const PLOTLY = new URL("vendor/plotly-basic.min.js", document.currentScript.src);
const CONFIG = { displayModeBar: false, responsive: true };
const TOUCH = matchMedia("(pointer: coarse)").matches; // a finger that drags scrolls the page

let loading;
function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = PLOTLY;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error(`${PLOTLY} did not load`));
    document.head.append(script);
  });
  return loading;
}

function inColoursOfPage(text) {
  if (document.body.dataset.mdColorScheme !== "slate") return JSON.parse(text);
  const { dark } = JSON.parse(text);
  return JSON.parse(Object.entries(dark).reduce((so_far, [light, other]) => so_far.replaceAll(light, other), text));
}

// All seeds, or the chosen one before the mean; what belongs to no seed stays.
function ofSeed(data, seed) {
  if (seed === undefined) return data;
  return data.map((trace) => {
    if (trace.meta === undefined) return trace;
    return trace.meta === seed ? { ...trace, opacity: 1, line: { ...trace.line, width: 2.5 } } : { ...trace, visible: false };
  });
}

function sliderOver(seeds, onchange) {
  const label = document.createElement("label");
  const range = document.createElement("input");
  const chosen = document.createElement("output");
  Object.assign(range, { type: "range", min: 0, max: seeds.length, value: 0 });
  const say = () => {
    chosen.value = range.value === "0" ? `all ${seeds.length}` : `seed ${seeds[range.value - 1]}`;
    range.setAttribute("aria-valuetext", chosen.value);
  };
  range.addEventListener("input", () => {
    say();
    onchange(seeds[range.value - 1]);
  });
  say();
  label.className = "seeds";
  label.append("Seeds shown", range, chosen);
  return label;
}

function replace(image, text, plotly) {
  const { columns, panels, seeds } = JSON.parse(text);
  const figure = document.createElement("div");
  const grid = document.createElement("div");
  const plots = panels.map(() => document.createElement("div"));
  let seed;
  const show = () => {
    const drawn = inColoursOfPage(text).panels;
    return Promise.all(plots.map((plot, place) => {
      const layout = { ...drawn[place].layout, dragmode: TOUCH ? false : "zoom", uirevision: "kept" };
      return plotly.react(plot, ofSeed(drawn[place].data, seed), layout, CONFIG);
    }));
  };
  grid.className = "panels";
  grid.style.setProperty("--columns", columns);
  grid.setAttribute("role", "img");
  grid.setAttribute("aria-label", image.alt);
  grid.append(...plots);
  figure.className = "figure";
  figure.append(grid);
  if (seeds.length > 1) {
    figure.append(sliderOver(seeds, (chosen) => {
      seed = chosen;
      show();
    }));
  }
  image.replaceWith(figure);
  new MutationObserver(show).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  return show();
}

async function draw(image) {
  const [plotly, answer] = await Promise.all([loadPlotly(), fetch(image.src.replace(/svg$/, "json"))]);
  if (!answer.ok) throw new Error(`${answer.url} did not load: ${answer.status}`);
  await replace(image, await answer.text(), plotly);
}

const approaching = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    approaching.unobserve(target);
    draw(target);
  }
}, { rootMargin: "300px" });

for (const image of document.querySelectorAll("img.interactive")) approaching.observe(image);
