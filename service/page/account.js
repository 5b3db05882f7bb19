// Who is asking, and what they may do.

import { get } from "./service.js";
import { show } from "./text.js";

const byId = (id) => document.getElementById(id);

let account = null;

/** Asks the service who is asking, and shows it; where nobody has to sign in, offers to set that up. */
export async function load() {
  const found = await get("api/v1/me");
  const isLocal = found.auth === "local";
  const setup = isLocal ? await get("api/v1/setup") : null;
  account = found;
  const { user, tenant, auth } = found;
  const isKey = auth === "api_key";
  byId("who").textContent = isKey ? `API key (${tenant.name})` : `${user.display_name}, ${tenant.name}`;
  byId("who").title = isKey ? `of ${user.display_name}` : user.email || "";
  byId("sign-out").textContent = isKey ? "Forget key" : "Sign out";
  // For browsers that store passwords.
  byId("whose-password").value = user.email || "";
  show("account", !isLocal);
  show("offer-set-up", isLocal && !setup.configured && setup.open_mode);
}

/** Forgets who was asking. */
export function clear() {
  account = null;
  byId("who").textContent = "";
  byId("who").title = "";
  byId("whose-password").value = "";
  show("account", false);
}

/** Whether the one who is asking has this permission. */
export const may = (permission) => Boolean(account?.permissions.includes(permission));

/** Whether this is the id of the one who is asking. */
export const isSelf = (id) => account?.user.id === id;

/** Whether the user has to choose a password before anything else. */
export const needsPassword = () => account?.auth === "jwt" && account.user.must_change_password;

/** Why there is no form to render; empty where there is one. */
export function refusal() {
  if (may("trigger_renders")) return "";
  if (account.auth !== "api_key") {
    return `Your role, ${account.user.role.replaceAll("_", " ")}, does not include rendering. Ask your administrator for access.`;
  }
  if (may("read_renders")) return "With this API key you can see renders, but not start any.";
  return "This API key does not include rendering. Ask your administrator for one that does.";
}
