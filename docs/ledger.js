// Filters of the ledger. Without this script the table is simply whole; the state is in the address, so it can be linked.

const FILTERS = ["Paper", "Network", "Data", "Profile", "Verdict"];

function valueOf(cell) {
  const marked = cell.querySelector(".verdict");
  return (marked ?? cell).textContent.replace(/[✓✗?–*]/g, "").trim();
}

function readAddress() {
  return new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
}

function labelled(name, values) {
  const field = document.createElement("div");
  const label = document.createElement("label");
  const select = document.createElement("select");
  select.name = name.toLowerCase();
  select.id = label.htmlFor = `filter-${select.name}`;
  label.textContent = name;
  select.append(new Option("all", ""), ...values.map((value) => new Option(value, value)));
  field.append(label, select);
  return field;
}

function filter(ledger, table) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows];
  const columns = FILTERS.map((name) => [name, heads.indexOf(name)]);
  const form = document.createElement("form");
  const count = document.createElement("output");
  const reset = document.createElement("button");
  form.className = "filters";
  form.setAttribute("aria-label", "Filter the ledger");
  form.append(
    ...columns.map(([name, column]) => labelled(name, [...new Set(rows.map((row) => valueOf(row.cells[column])))])),
  );
  reset.type = "reset";
  reset.textContent = "Show all";
  count.setAttribute("aria-live", "polite");
  form.append(reset, count);
  ledger.before(form);

  function show() {
    const wanted = columns.map(([name, column]) => [column, form.elements[name.toLowerCase()].value]);
    for (const row of rows) {
      row.hidden = wanted.some(([column, value]) => value && valueOf(row.cells[column]) !== value);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.value = `${shown} of ${rows.length} rows`;
  }

  function restore() {
    const address = readAddress();
    for (const select of form.querySelectorAll("select")) {
      const value = address.get(select.name) ?? "";
      select.value = [...select.options].some((option) => option.value === value) ? value : "";
    }
    show();
  }

  function keep() {
    const chosen = [...new FormData(form)].filter(([, value]) => value);
    const address = new URLSearchParams(chosen).toString();
    history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
    show();
  }

  form.addEventListener("change", keep);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(keep));
  window.addEventListener("hashchange", restore);
  restore();
}

for (const ledger of document.querySelectorAll(".ledger")) {
  const table = ledger.querySelector("table");
  if (table) filter(ledger, table);
}
