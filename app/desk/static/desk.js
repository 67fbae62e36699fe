// The desk's own script: keys, the clock of the meeting, and news from other people. Everything works without it.
(() => {
  "use strict";
  const typing = (element) => element && /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
  const differs = (e) => {
    if (e.type === "hidden") return false;
    if (e.type === "checkbox" || e.type === "radio") return e.checked !== e.defaultChecked;
    if (e.tagName !== "SELECT") return "defaultValue" in e && e.value !== e.defaultValue;
    return e.selectedIndex !== Math.max(0, [...e.options].findIndex((option) => option.defaultSelected));
  };
  const changed = () => [...document.querySelectorAll("main form")].some((form) => [...form.elements].some(differs));

  // One key decides: a approves, r and d go to their field, e edits, u takes the last decision back, j and k go on and back.
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
    if (sending) return;  // a key that is pressed twice decides once
    const form = control.form;
    if (form && !form.checkValidity()) { form.querySelector(":invalid").focus(); return; }
    control.click();
  });

  // A confirmed text is copied with one press; before that the page has no such button.
  const copies = () => document.querySelectorAll("[data-copy]").forEach((button) => {
    button.hidden = !navigator.clipboard;
    if (button.dataset.ready) return;
    button.dataset.ready = "1";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
      document.querySelector("[data-copied]").textContent = "Copied.";
    });
  });
  document.addEventListener("DOMContentLoaded", copies);
  document.addEventListener("htmx:after:swap", copies);

  // In a text of several lines Enter begins a line: Ctrl and Enter, or Command and Enter, send its form.
  // A question (data-enter) is the other way about: Enter asks, and Shift and Enter begin a line.
  document.addEventListener("keydown", (event) => {
    const here = document.activeElement;
    if (event.key !== "Enter" || event.isComposing || !here || here.tagName !== "TEXTAREA") return;
    const asks = "enter" in here.dataset && !event.shiftKey;
    if (!(asks || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (here.form && !sending) here.form.requestSubmit();
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
  const tell = (...parts) => {
    const news = document.getElementById("news");
    news.replaceChildren(...parts);
    news.hidden = false;
  };
  const STOPS = "a[href], button, summary, [tabindex='0']";
  let sending = 0, missed = false;  // news that come while something is being sent wait for its answer
  const refresh = async () => {
    if (sending) { missed = true; return; }
    if (changed() || typing(document.activeElement) || document.querySelector("main [data-answer]")) {
      tell("Something changed meanwhile. Load the page again to see it.");
      return;
    }
    const asked = location.href;
    const answer = await fetch(asked, { headers: { "HX-Request": "true" } });
    if (!answer.ok || answer.redirected) { if (answer.redirected) location.reload(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (sending || location.href !== asked) { refresh(); return; }
    const fresh = page.getElementById("main"), old = document.getElementById("main");
    if (!fresh || !old || fresh.innerHTML === old.innerHTML || changed() || typing(document.activeElement)) return;
    const wasOpen = [...old.querySelectorAll("details")].map((each) => each.open);
    const at = { left: scrollX, top: scrollY }, stop = [...old.querySelectorAll(STOPS)].indexOf(document.activeElement);
    const name = stop < 0 ? "" : document.activeElement.textContent;
    old.replaceWith(fresh);
    const details = [...fresh.querySelectorAll("details")];
    if (details.length === wasOpen.length) details.forEach((each, place) => { each.open = wasOpen[place]; });
    if (window.htmx) window.htmx.process(fresh);
    document.body.dataset.state = page.body.dataset.state || "";
    scrollTo({ ...at, behavior: "instant" });
    const stops = [...fresh.querySelectorAll(STOPS)];
    const same = stop < 0 ? null : [stops[stop], ...stops].find((each) => each && each.textContent === name);
    if (same) same.focus({ preventScroll: true });
    clock();
  };

  document.addEventListener("htmx:before:request", () => { sending += 1; });
  document.addEventListener("htmx:finally:request", () => {
    sending = Math.max(0, sending - 1);
    if (!sending && missed) { missed = false; refresh(); }
  });

  // What was refused is told beside the form, and nothing that was typed is lost.
  document.addEventListener("htmx:before:response", (event) => {
    const answer = event.detail.ctx.response.raw;
    if (answer.status < 400) return;
    event.preventDefault();
    answer.text().then((text) => {
      const said = new DOMParser().parseFromString(text, "text/html");
      const words = ["h1", ".lead"].map((each) => said.querySelector(each)).filter(Boolean);
      const title = document.createElement("strong"), again = document.createElement("button");
      title.textContent = words.length ? words[0].textContent : "This was refused";
      again.textContent = "See what stands now";
      again.addEventListener("click", () => location.reload());
      const why = words.length > 1 ? `: ${words[1].textContent} ` : ". ";
      tell(title, why, ...(answer.status === 409 ? [again] : []));
    });
  });
  document.addEventListener("htmx:error", () => tell("The desk does not answer. What you typed is still here."));
  document.addEventListener("htmx:after:swap", () => { document.getElementById("news").hidden = true; });

  // One stream a browser tab, and only while it is looked at: a browser keeps few connections to one server.
  let stream = null;
  const listen = () => {
    if (stream) { stream.close(); stream = null; }
    if (!document.body.dataset.state || !window.EventSource || document.hidden) return;
    stream = new EventSource("/live");
    stream.addEventListener("state", (event) => {
      if (event.data === document.body.dataset.state) return;
      document.body.dataset.state = event.data;
      refresh();
    });
  };
  document.addEventListener("DOMContentLoaded", listen);
  document.addEventListener("visibilitychange", listen);
})();
