// Signing in and out: forms to sign in, to enter a key, to choose a password and to create the first user.
//
// While one of them is shown, the rest of the page is hidden.

import { clear, load } from "./account.js";
import { forget, kind, settled, useKey, useTokens } from "./credentials.js";
import { ask, Problem, withJson } from "./http.js";
import { title, turnTo } from "./screen.js";
import { get, send, sendJson } from "./service.js";
import { explain, show, whenAgain } from "./text.js";

const byId = (id) => document.getElementById(id);
/** The forms that can be shown, each in a section of the page. */
const QUESTIONS = ["sign-in", "password", "set-up"];
/** Forms in which a password is guessed. */
const OF_PASSWORDS = ["sign-in-form", "password-form"];
const INVALID_KEY = "The API key is not valid, or no longer valid.";
const NOT_TOLD = "You are signed out here, but the service could not be told.";
// How long the service has to answer when somebody signs out.
const SIGN_OUT_MS_MAX = 5000;

const signedInBy = async (answer) => {
  const tokens = await (await answer).json();
  useTokens(tokens);
  return tokens.user;
};

export class Door {
  /**
   * Calls `onAsk()` when a form is shown, `onEnter()` when the work may begin or go on, and `onLeave()` when somebody
   * has signed out and the page stays.
   */
  constructor({ onAsk, onEnter, onLeave }) {
    Object.assign(this, { onAsk, onEnter, onLeave });
    // The password that the user has just signed in with and has to change.
    this.known = "";
    this.on("sign-in-form", (fields) => this.signIn(fields));
    this.on("key-form", (fields) => this.takeKey(fields));
    this.on("password-form", (fields) => this.changePassword(fields));
    this.on("set-up-form", (fields) => this.setUp(fields));
    byId("offer-set-up").addEventListener("click", () => this.ask("set-up"));
    byId("leave-set-up").addEventListener("click", () => this.enter());
    byId("sign-out").addEventListener("click", () => this.signOut());
    for (const box of document.querySelectorAll("[data-reveals]")) {
      box.addEventListener("change", () => {
        for (const id of box.dataset.reveals.split(" ")) byId(id).type = box.checked ? "text" : "password";
      });
    }
  }

  get isAsking() {
    return !byId("door").hidden;
  }

  /** Whether an error means that the user has to sign in, or to choose a password. If so, shows the form for it. */
  takes(error) {
    if (!(error instanceof Problem)) return false;
    if (error.code === "password_change_required") this.ask("password");
    else if (error.code === "tenant_inactive") this.ask("sign-in", inWords(error));
    else if (error.status === 401) this.ask("sign-in", this.lost(error));
    else return false;
    return true;
  }

  /** The message when credentials are no longer valid. */
  lost(error) {
    if (error.code === "invalid_refresh_token") return "Your session has ended. Sign in again.";
    if (kind() !== "key") return "";
    forget();
    return INVALID_KEY;
  }

  /** Shows a form, unless it is shown already. */
  ask(question, message = "") {
    if (this.isAsking && !byId(question).hidden) return;
    for (const other of QUESTIONS) show(other, other === question);
    turnTo("door");
    title(byId(`${question}-title`).textContent);
    show("offer-set-up", false);
    if (question === "sign-in") clear();
    // Somebody who has just signed in need not type the current password again.
    const isKnown = Boolean(this.known);
    byId("current-password").disabled = isKnown;
    show("current", !isKnown);
    this.onAsk();
    if (message) tell(byId(`${question}-form`), message);
    else byId(question).querySelector("input:enabled:not([hidden])").focus();
  }

  enter() {
    this.known = "";
    for (const form of document.querySelectorAll("#door form")) {
      form.reset();
      tell(form, "");
    }
    for (const box of document.querySelectorAll("[data-reveals]")) box.dispatchEvent(new Event("change"));
    turnTo("waiting");
    this.onEnter();
  }

  /** Handles a form, one submission at a time; errors are shown in the form. */
  on(id, work) {
    const form = byId(id);
    let isBusy = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isBusy) return;
      isBusy = true;
      tell(form, "");
      const rested = busy(form.querySelector("[type=submit]"));
      try {
        await work(Object.fromEntries(new FormData(form)));
      } catch (error) {
        tell(form, inWords(error, form), error.errors);
      } finally {
        isBusy = false;
        rested();
      }
    });
  }

  async signIn({ email, password, tenant }) {
    const slug = tenant.trim().toLowerCase();
    const body = { email, password, ...(slug && { tenant: slug }) };
    const user = await signedInBy(ask("api/auth/login", withJson("POST", body)));
    if (!user.must_change_password) return this.enter();
    this.known = password;
    await load();
    return this.ask("password");
  }

  async takeKey({ key }) {
    useKey(key.trim());
    try {
      await get("api/v1/me");
    } catch (error) {
      forget();
      if (error.status !== 401) throw error;
      return tell(byId("key-form"), INVALID_KEY);
    }
    return this.enter();
  }

  async changePassword({ current_password: current = this.known, new_password: next }) {
    await sendJson("PUT", "api/v1/me/password", { current_password: current, new_password: next });
    this.enter();
  }

  async setUp({ email, password, display_name: name, tenant_name: tenant }) {
    const body = { email, password, ...(name && { display_name: name }), ...(tenant && { tenant_name: tenant }) };
    await signedInBy(sendJson("POST", "api/v1/setup", body));
    this.enter();
  }

  /** Loads the page anew, so that nothing this user saw stays in memory. Without the service there is no other page. */
  async signOut() {
    await settled();
    const isPerson = kind() === "person";
    const path = isPerson ? "api/auth/logout" : "healthz";
    const request = isPerson ? withJson("POST", { all: false }) : {};
    let isThere = true;
    try {
      await send(path, { ...request, signal: AbortSignal.timeout(SIGN_OUT_MS_MAX) });
    } catch (error) {
      // One that has ended already needs no end.
      isThere = error.status === 401;
    }
    forget();
    if (isThere) return location.replace(location.pathname);
    this.onLeave();
    return this.ask("sign-in", isPerson ? NOT_TOLD : "");
  }
}

/** What went wrong, for people who want to come in. */
function inWords(error, form) {
  if (error.code === "tenant_inactive") return "Your company's account is deactivated. Ask the people who run this service.";
  if (error.code === "rate_limited" && OF_PASSWORDS.includes(form?.id)) return ["Too many failed attempts.", whenAgain(error)].filter(Boolean).join(" ");
  if (error.code !== "invalid_credentials" || form?.id !== "sign-in-form") return explain(error);
  // The answer does not say which of them is wrong.
  const words = "Wrong e-mail, password or company. Check them and try again. Forgotten your password? Ask your administrator to reset it.";
  const hint = "If several companies know your e-mail address, open “Sign in to a particular company” and name yours.";
  return form.elements.tenant.value.trim() ? words : `${words}\n${hint}`;
}

/** Shows on a button that its work is being done; call the result when it is done. */
function busy(button) {
  const words = button.textContent;
  button.textContent = button.dataset.busy;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  return () => {
    button.textContent = words;
    button.disabled = false;
    button.removeAttribute("aria-busy");
  };
}

/** Shows an error in a form, or removes it, and marks the fields that it is about. */
function tell(form, message, errors = []) {
  const place = form.querySelector(".fault");
  const names = errors.map(({ pointer }) => pointer.slice(1));
  for (const field of form.querySelectorAll("input[name]")) {
    if (names.includes(field.name)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  place.textContent = message;
  place.hidden = !message;
  if (message) place.focus();
}
