"use strict";

// The token is in the page's address after #, as the sandbox printed it. It is kept for this tab, and sent in a header.
const TOKEN = "sandbox-token";
if (location.hash.startsWith("#token=")) {
  sessionStorage.setItem(TOKEN, location.hash.slice("#token=".length));
  history.replaceState(null, "", location.pathname);
}

const part = (id) => document.getElementById(id);
const isPaused = () => part("pause").getAttribute("aria-pressed") === "true";

function say(state, text) {
  const connection = part("connection");
  connection.dataset.state = state;
  if (connection.textContent !== text) connection.textContent = text;
}

document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, sourceEvent, request } = event.detail.ctx;
  const isRegular = sourceElement.id === "live" && sourceEvent.type === "every";
  if (isRegular && (isPaused() || document.hidden)) event.preventDefault();
  request.headers["X-Sandbox-Token"] = sessionStorage.getItem(TOKEN) ?? "";
});

// What is asked for by a button: its section gets the focus if the button is gone afterwards.
let section = null;

document.addEventListener("htmx:before:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (request.method !== "POST") return;
  section = sourceElement.closest("section");
  section.querySelector(".problem")?.replaceChildren();
});

document.addEventListener("htmx:after:swap", () => {
  if (section && document.activeElement === document.body) section.querySelector("h2").focus();
  section = null;
});

document.addEventListener("htmx:before:response", (event) => {
  const { status } = event.detail.ctx.response;
  if (status === 401) {
    say("bad", "no access: open the whole address that the sandbox printed");
    event.preventDefault();
  } else if (!isPaused()) {
    say("good", "live");
  }
});

document.addEventListener("htmx:error", () => say("bad", "the sandbox does not answer"));

document.addEventListener("DOMContentLoaded", () => {
  part("pause").addEventListener("click", (event) => {
    event.target.setAttribute("aria-pressed", String(!isPaused()));
    if (isPaused()) say("waiting", "paused");
    else document.body.dispatchEvent(new Event("look-again"));
  });
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isPaused()) document.body.dispatchEvent(new Event("look-again"));
});
