"use strict";
// Follows one run: progress as it comes, and the report again when more was answered.
(() => {
  const bar = document.getElementById("bar");
  const state = document.getElementById("state");
  const frame = document.getElementById("report");
  const items = document.getElementById("items");
  const started = { at: performance.now(), recorded: null };
  let loaded = null; // the number of the report that is shown
  const number = (value) => value.toLocaleString("en");

  function reload(report) { // the report keeps its view: it is in its address
    const first = loaded === null;
    if (report === loaded) return;
    loaded = report;
    if (first && report === 0) return; // what is there was loaded with this page
    const inside = frame.contentWindow;
    const place = inside.scrollY;
    frame.addEventListener("load", () => {
      const settle = () => frame.contentDocument?.documentElement.dataset.ready === "true"
        ? frame.contentWindow.scrollTo(0, place) : setTimeout(settle, 50);
      settle();
    }, { once: true });
    inside.location.reload();
  }

  function squares(run) {
    const due = run.questions / Math.max(1, run.items_total);
    while (items.childElementCount < run.items_total) items.append(document.createElement("span"));
    for (const [position, answered] of Object.entries(run.items)) {
      items.children[Number(position)].className = answered >= due ? "all" : "some";
    }
  }

  const source = new EventSource("events");
  source.addEventListener("progress", (event) => {
    const run = JSON.parse(event.data);
    started.recorded ??= run.recorded;
    const rate = (run.recorded - started.recorded) / Math.max(1, (performance.now() - started.at) / 1000);
    bar.max = run.questions;
    bar.value = run.recorded;
    const speed = run.running && rate > 0 ? `, ${number(Math.round(rate))} a second` : "";
    const now = run.running ? "Running" : run.complete ? "Complete" : run.waiting ? "Waiting for people" : "Stopped";
    document.getElementById("waiting").hidden = !run.waiting;
    const problem = document.getElementById("problem");
    problem.hidden = !run.problem;
    problem.textContent = run.problem ? `The run could not go on with the last answers; what was not recorded is still asked. ${run.problem}` : "";
    state.textContent = `${now}: ${number(run.recorded)} of ${number(run.questions)} answers${speed}`;
    document.getElementById("statuses").textContent = Object.entries(run.statuses).map(([name, count]) => `${name.replace("_", " ")} ${number(count)}`).join(", ");
    squares(run);
    reload(run.report);
  });
  source.addEventListener("end", (event) => {
    source.close();
    reload(JSON.parse(event.data).report);
    document.documentElement.dataset.ended = "true";
  });
})();
