// The desk's own script: keys, the clock of the meeting, and news from other people. Everything works without it.
(() => {
  "use strict";
  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  const changed = () => [...document.querySelectorAll("main form")].some((form) =>
    [...form.elements].some((e) => e.type !== "hidden" && "defaultValue" in e && e.value !== e.defaultValue));

  // One key decides: a approves, r and d go to their field, e edits, j and k go on and back.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(document.activeElement)) {
      if (event.key === "Escape") document.activeElement.blur();
      return;
    }
    const field = document.querySelector(`main [data-field="${CSS.escape(event.key)}"]`);
    const control = document.querySelector(`main [data-key="${CSS.escape(event.key)}"]`);
    if (field) { event.preventDefault(); field.focus(); return; }
    if (!control) return;
    event.preventDefault();
    const form = control.form;
    if (form && !form.checkValidity()) { form.querySelector(":invalid").focus(); return; }
    control.click();
  });

  // The clock runs from when somebody starts it, in this browser, also over pages.
  const clock = () => {
    const place = document.querySelector("[data-clock]");
    if (!place) return;
    const name = `saveplay-clock-${place.dataset.review}`;
    const begun = Number(localStorage.getItem(name) || 0);
    const button = place.querySelector("[data-clock-start]");
    button.hidden = Boolean(begun);
    if (!button.dataset.ready) {
      button.dataset.ready = "1";
      button.addEventListener("click", () => { localStorage.setItem(name, String(Date.now())); clock(); });
    }
    if (!begun) return;
    const past = Math.max(0, Math.floor((Date.now() - begun) / 1000));
    const hours = Math.floor(past / 3600), rest = String(Math.floor(past / 60) % 60).padStart(2, "0");
    place.querySelector("[data-clock-time]").textContent = `${hours}:${rest}:${String(past % 60).padStart(2, "0")}`;
    let end = 0;
    const blocks = [...place.querySelectorAll("[data-block]")];
    const minutes = place.dataset.clock.split(",").map(Number);
    let now = -1;
    minutes.forEach((length, at) => { if (now < 0 && past < (end + length) * 60) now = at; end += length; });
    blocks.forEach((block, at) => block.classList.toggle("now", at === now));
  };
  setInterval(clock, 1000);
  document.addEventListener("DOMContentLoaded", clock);
  document.addEventListener("htmx:after:swap", clock);

  // Somebody decided, here or elsewhere: show what stands now, but never under the hands of somebody who types.
  const refresh = async () => {
    if (changed() || typing(document.activeElement)) {
      const news = document.getElementById("news");
      news.textContent = "Something changed meanwhile. Load the page again to see it.";
      news.hidden = false;
      return;
    }
    const answer = await fetch(location.href, { headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) { if (answer.redirected) location.reload(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("main"), old = document.getElementById("main");
    if (!fresh || !old || fresh.innerHTML === old.innerHTML) return;
    const at = [scrollX, scrollY], focus = document.activeElement && document.activeElement.id;
    old.replaceWith(fresh);
    if (window.htmx) window.htmx.process(fresh);
    document.body.dataset.state = page.body.dataset.state || "";
    scrollTo(...at);
    if (focus && document.getElementById(focus)) document.getElementById(focus).focus();
    clock();
  };
  const listen = () => {
    if (!document.body.dataset.state || !window.EventSource) return;
    const stream = new EventSource("/live");
    let last = document.body.dataset.state;
    stream.addEventListener("state", (event) => {
      if (event.data !== last) { last = event.data; refresh(); }
    });
  };
  document.addEventListener("DOMContentLoaded", listen);
})();
