//! T23, T24, T26, T34, T35: people on the page, from the first one to those who leave.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ENTER, GOES_AWAY, fits, start};
use crate::service::{Service, Workplace, http};
use crate::webdriver::Browser;

const EMAIL: &str = "anna@studio.test";
const PASSWORD: &str = "several words together";
const OTHER_PASSWORD: &str = "other words together";
/// As WebDriver names it (section 17.4.2).
const TAB: &str = "\u{E004}";

const CONNECTED: &str = "document.querySelector('#connection').textContent === 'connected'";
/// Whether the focus is in the first field of the form, or on its error message.
const AT_EMAIL: &str = "document.activeElement === document.querySelector('#sign-in-form [name=email]')";
const AT_FAULT: &str = "document.activeElement === document.querySelector('#sign-in-error')";
/// Whether the focus is in the first field of the work.
const AT_FILE: &str = "document.activeElement === document.querySelector('#file')";
const REFRESH_TOKEN: &str = "sessionStorage.getItem('packshot.refresh_token')";

/// A job of a person who has signed in is followed, and so on: each part goes on where the one before has ended.
pub(super) async fn people_come_and_go(browser: &Browser) {
    let place = Workplace::new();
    let service = start(&place);
    t35_the_first_person_is_made_on_the_page(browser, &service).await;
    a_job_is_followed_after_the_sign_in(browser, &place).await;
    t23_tokens_are_renewed_before_they_expire(browser, &service).await;
    t24_signing_out_leaves_nothing_behind(browser, &service).await;
    a_failed_sign_in_shows_an_error(browser, &service).await;
    a_session_that_ended_elsewhere_asks_for_a_new_sign_in(browser, &service).await;
    t26_a_temporary_password_is_changed_first(browser, &service).await;
    an_invalid_key_shows_an_error(browser, &service).await;
    who_may_not_render_is_told_so(browser, &service).await;
    signing_out_without_the_service_is_said(browser).await;
    browser.open(&service.url).await;
    browser.until(AT_EMAIL).await;
    t19_too_many_wrong_passwords_say_how_long_to_wait(browser, &service).await;
}

/// The answer in JSON to a request with this token.
async fn ask(service: &Service, path: &str, token: Option<&str>, body: &Value) -> Value {
    let request = http().request(Method::POST, format!("{}{path}", service.url)).json(body);
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    request.send().await.expect("an answer").json().await.unwrap_or_default()
}

/// The access token of somebody who signs in elsewhere.
async fn token_of(service: &Service, email: &str, password: &str) -> String {
    let tokens = ask(service, "/api/auth/login", None, &json!({ "email": email, "password": password })).await;
    tokens["access_token"].as_str().expect("a token").to_owned()
}

async fn t35_the_first_person_is_made_on_the_page(browser: &Browser, service: &Service) {
    browser.open(&service.url).await;
    browser.until("!document.querySelector('#offer-set-up').hidden").await;
    browser.until(CONNECTED).await;
    browser.run("document.querySelector('#offer-set-up').click()").await;
    browser.until("document.activeElement === document.querySelector('#set-up-form [name=email]')").await;
    assert_eq!(browser.run("return document.title").await, "Set up sign-in · Packshot");
    assert_eq!(browser.run("return document.querySelector('#connection').hidden").await, true);
    fits(browser, "set-up").await;
    browser.run("document.querySelector('#leave-set-up').click()").await;
    browser.until("document.querySelector('#door').hidden && !document.querySelector('#work').hidden").await;
    browser.until(AT_FILE).await;

    browser.until("!document.querySelector('#offer-set-up').hidden").await;
    browser.run("document.querySelector('#offer-set-up').click()").await;
    browser.until("document.activeElement === document.querySelector('#set-up-form [name=email]')").await;
    browser.type_keys(&format!("anna{TAB}{PASSWORD}{ENTER}")).await;
    let asked = "Enter an e-mail address, such as anna@example.com.";
    browser.until(&format!("document.querySelector('#set-up-error').textContent === '{asked}'")).await;
    browser.run("document.querySelector('#set-up-form [name=email]').focus(); document.activeElement.select()").await;
    browser.type_keys(&format!("{EMAIL}{TAB}short{ENTER}")).await;
    browser.until("document.activeElement === document.querySelector('#set-up-error')").await;
    let said = browser.run("return document.querySelector('#set-up-error').textContent").await;
    assert!(said.as_str().is_some_and(|said| said.contains("fewer than 12 characters")), "{said}");
    browser.until("document.querySelector('#first-password').getAttribute('aria-invalid') === 'true'").await;
    browser.run("document.querySelector('#first-password').focus(); document.activeElement.select()").await;
    browser.type_keys(&format!("{PASSWORD}{ENTER}")).await;
    browser.until(&format!("document.querySelector('#who').textContent === '{EMAIL}, default'")).await;
    browser.until(CONNECTED).await;
    browser.until(AT_FILE).await;
    assert_eq!(service.status("/api/v1/renders").await, 401, "nobody else comes in");
    assert_eq!(browser.run("return document.querySelector('#offer-set-up').hidden").await, true);
    let stored = "return [document.cookie, localStorage.length, Object.keys(sessionStorage)]";
    assert_eq!(browser.run(stored).await, json!(["", 0, ["packshot.refresh_token"]]));
    fits(browser, "signed-in").await;
}

async fn a_job_is_followed_after_the_sign_in(browser: &Browser, place: &Workplace) {
    browser.choose_file("#file", &place.path("boxes.glb")).await;
    let script = "for (const [name, value] of [['width', 320], ['height', 240], ['samples', 4096]]) { \
                  document.querySelector(`[name=${name}]`).value = value; } document.querySelector('#render').click()";
    browser.run(script).await;
    // Requests for events, previews and pictures all carry the header: nothing else says who is asking.
    browser.until("document.querySelector('#picture').naturalWidth === 320").await;
    browser.until("document.querySelector('#log').childElementCount > 2").await;
    browser.run("document.querySelector('#cancel').hidden || document.querySelector('#cancel').click()").await;
    browser.until("/completed|cancelled/.test(document.querySelector('#job-state').textContent)").await;
}

async fn t23_tokens_are_renewed_before_they_expire(browser: &Browser, service: &Service) {
    // The session outlives the page: the refresh token gets a new access token.
    browser.open("about:blank").await;
    browser.open(&service.url).await;
    browser.until(CONNECTED).await;
    browser.until(&format!("document.querySelector('#who').textContent.startsWith('{EMAIL}')")).await;
    let renewals = "window.renewals = 0; window.refusals = 0; const real = window.fetch; \
                    window.fetch = (path, options) => { \
                        if (path.endsWith('auth/refresh')) window.renewals += 1; \
                        else if (window.refuses && !window.renewals) { \
                            window.refusals += 1; \
                            return Promise.resolve(new Response('{\"code\":\"token_expired\"}', { status: 401 })); \
                        } \
                        return real(path, options); \
                    }; ";
    let at_once =
        "for (let n = 0; n < 3; n += 1) document.querySelector('#filter').dispatchEvent(new Event('change')); ";
    let before = browser.run(&format!("return {REFRESH_TOKEN}")).await;
    // The page's clock, a minute before the token expires.
    let script = format!("{renewals} const now = Date.now; Date.now = () => now() + 14 * 60000; {at_once} return 0");
    browser.run(&script).await;
    browser.until(&format!("{REFRESH_TOKEN} !== {before} && window.renewals > 0")).await;
    browser.until(CONNECTED).await;
    assert_eq!(browser.run("return window.renewals").await, 1, "requests at the same time share one renewal");

    // The same, where the service is the first to notice.
    browser.run(&format!("window.renewals = 0; window.refuses = true; {at_once} return 0")).await;
    browser.until("window.renewals > 0 && window.refusals >= 3").await;
    browser.run("window.refuses = false").await;
    browser.until(CONNECTED).await;
    assert_eq!(browser.run("return window.renewals").await, 1);
    assert_eq!(browser.run("return document.querySelector('#door').hidden").await, true, "nobody is asked");
}

async fn t24_signing_out_leaves_nothing_behind(browser: &Browser, service: &Service) {
    let refresh_token = browser.run(&format!("return {REFRESH_TOKEN}")).await;
    browser.until("document.querySelectorAll('#jobs li').length === 1").await;
    browser.run("document.querySelector('#sign-out').click()").await;
    browser.until(AT_EMAIL).await;
    let left = "return [sessionStorage.length, document.querySelectorAll('#jobs li').length, location.hash, \
                document.querySelector('#account').hidden, document.querySelector('#work').hidden]";
    assert_eq!(browser.run(left).await, json!([0, 0, "", true, true]));
    let refused = ask(service, "/api/auth/refresh", None, &json!({ "refresh_token": refresh_token })).await;
    assert_eq!(refused["code"], "invalid_refresh_token", "the session has ended");
    fits(browser, "sign-in").await;
}

async fn a_failed_sign_in_shows_an_error(browser: &Browser, service: &Service) {
    browser.open(&service.url).await;
    browser.until(AT_EMAIL).await;
    browser.type_keys(&format!("{EMAIL}{TAB}wrong words together{ENTER}")).await;
    browser.until(AT_FAULT).await;
    let said = browser.run("return document.querySelector('#sign-in-error').textContent").await;
    let said = said.as_str().expect("text");
    assert!(said.starts_with("Wrong e-mail, password or company. Check them and try again."), "{said}");
    assert!(said.contains("“Sign in to a particular company”") && !said.contains("packshot"), "{said}");
    assert_eq!(browser.run("return document.querySelector('#certain-company').open").await, false);
    assert_eq!(browser.run("return document.title").await, "Sign in · Packshot");
    fits(browser, "wrong-password").await;

    // What the service says of a tenant that was deactivated reaches the person.
    let inactive = "const real = window.fetch; window.fetch = (path, options) => { \
                        if (!path.endsWith('auth/login')) return real(path, options); \
                        window.fetch = real; \
                        const body = JSON.stringify({ code: 'tenant_inactive', detail: 'the tenant was deactivated' }); \
                        return Promise.resolve(new Response(body, { status: 403 })); \
                    }; document.querySelector('#sign-in-form [type=submit]').click()";
    browser.run(inactive).await;
    let told = "Your company\\'s account is deactivated. Ask the people who run this service.";
    browser.until(&format!("document.querySelector('#sign-in-error').textContent === '{told}'")).await;

    // While the service thinks, the page says that it works, and shows nothing that may not be for this person.
    let hold = "window.real = window.fetch; window.held = []; window.fetch = async (path, options) => { \
                    if (/auth.login$|v1.me$/.test(path)) await new Promise((go) => window.held.push(go)); \
                    return window.real(path, options); \
                }";
    browser.run(hold).await;
    // The name of a company as people write it.
    let fill = "document.querySelector('#sign-in-form [name=tenant]').value = ' Default '; \
                document.querySelector('#sign-in-form [name=password]').focus(); document.activeElement.select()";
    browser.run(fill).await;
    browser.type_keys(&format!("{PASSWORD}{ENTER}{ENTER}")).await;
    browser.until("window.held.length === 1").await;
    let button = "const button = document.querySelector('#sign-in-form [type=submit]'); \
                  return [button.textContent, button.disabled, button.getAttribute('aria-busy')]";
    assert_eq!(browser.run(button).await, json!(["Signing in…", true, "true"]));
    browser.run("window.held.pop()()").await;
    browser.until("window.held.length === 1 && !document.querySelector('#waiting').hidden").await;
    let others = "return [document.querySelector('#work').hidden, document.querySelector('#door').hidden]";
    assert_eq!(browser.run(others).await, json!([true, true]));
    browser.run("window.fetch = window.real; window.held.pop()()").await;
    browser.until(CONNECTED).await;
    browser.until(AT_FILE).await;
    browser.until("document.querySelectorAll('#jobs li').length === 1").await;
    assert_eq!(browser.run("return document.querySelector('#sign-in-form [name=password]').value").await, "");
    assert_eq!(browser.run(button).await, json!(["Sign in", false, null]));
}

async fn a_session_that_ended_elsewhere_asks_for_a_new_sign_in(browser: &Browser, service: &Service) {
    let token = token_of(service, EMAIL, PASSWORD).await;
    ask(service, "/api/auth/logout", Some(&token), &json!({ "all": true })).await;
    browser.until(AT_FAULT).await;
    let said = browser.run("return document.querySelector('#sign-in-error').textContent").await;
    assert_eq!(said, "Your session has ended. Sign in again.");
    assert_eq!(browser.run("return document.querySelectorAll('#jobs li').length").await, 0);
}

async fn t26_a_temporary_password_is_changed_first(browser: &Browser, service: &Service) {
    let admin = token_of(service, EMAIL, PASSWORD).await;
    let new = json!({ "email": "ben@studio.test", "display_name": "Ben", "role": "project_manager" });
    let made = ask(service, "/api/v1/users", Some(&admin), &new).await;
    let temporary = made["temporary_password"].as_str().expect("a password").to_owned();
    let at = |id: &str| format!("document.activeElement === document.querySelector('#{id}')");
    browser.open(&service.url).await;
    browser.until(AT_EMAIL).await;
    browser.type_keys(&format!("ben@studio.test{TAB}{temporary}{ENTER}")).await;
    browser.until(&at("new-password")).await;
    assert_eq!(browser.run("return document.querySelector('#current').hidden").await, true, "it was typed just now");
    fits(browser, "new-password").await;

    // After a reload the page no longer knows it.
    browser.open(&service.url).await;
    browser.until(&at("current-password")).await;
    browser.type_keys(&format!("wrong words together{TAB}{OTHER_PASSWORD}{ENTER}")).await;
    browser.until(&at("password-error")).await;
    let said = browser.run("return document.querySelector('#password-error').textContent").await;
    assert!(said.as_str().is_some_and(|said| said.starts_with("The current password is wrong")), "{said}");
    let reveal = "document.querySelector('#password-form [type=checkbox]').click(); \
                  return document.querySelector('#current-password').type";
    assert_eq!(browser.run(reveal).await, "text");
    browser.run("document.querySelector('#current-password').focus(); document.activeElement.select()").await;
    browser.type_keys(&format!("{temporary}{ENTER}")).await;
    browser.until("document.querySelector('#who').textContent === 'Ben, default'").await;
    browser.until(CONNECTED).await;
    assert_eq!(browser.run("return document.querySelector('#current-password').type").await, "password");
    token_of(service, "ben@studio.test", OTHER_PASSWORD).await;
}

async fn an_invalid_key_shows_an_error(browser: &Browser, service: &Service) {
    browser.run("document.querySelector('#sign-out').click()").await;
    browser.until(AT_EMAIL).await;
    let key = format!("pk_{}_{}", "a".repeat(8), "b".repeat(43));
    let script = format!(
        "document.querySelector('#with-key').open = true; document.querySelector('#key').value = '{key}'; \
                          document.querySelector('#key-form button').click()"
    );
    browser.run(&script).await;
    browser.until("document.activeElement === document.querySelector('#key-error')").await;
    let said = "return [document.querySelector('#key-error').textContent, sessionStorage.length]";
    assert_eq!(browser.run(said).await, json!(["The API key is not valid, or no longer valid.", 0]));
    fits(browser, "wrong-key").await;

    let admin = token_of(service, EMAIL, PASSWORD).await;
    let made =
        ask(service, "/api/v1/api-keys", Some(&admin), &json!({ "name": "k", "scopes": ["renders:read"] })).await;
    let key = made["secret"].as_str().expect("a key");
    browser
        .run(&format!(
            "document.querySelector('#key').value = '{key}'; document.querySelector('#key-form button').click()"
        ))
        .await;
    browser.until("document.querySelector('#who').textContent === 'API key (default)'").await;
    assert_eq!(browser.run("return document.querySelector('#sign-out').textContent").await, "Forget key");
    // It may see renders, but not start any.
    browser.until("document.querySelectorAll('#jobs li').length === 1").await;
    let shown = "return ['submit', 'refusal', 'list'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.run(shown).await, json!([true, false, false]));
    browser.run("document.querySelector('#jobs button').click()").await;
    browser.until("/completed|cancelled/.test(document.querySelector('#job-state').textContent)").await;
    assert_eq!(browser.run("return document.querySelector('#delete').hidden").await, true);
    browser.run("document.querySelector('#sign-out').click()").await;
    browser.until(AT_EMAIL).await;
    assert_eq!(browser.run("return sessionStorage.length").await, 0);
}

/// A key without rendering gets a sentence in place of the form and the list, and requests that are not refused.
async fn who_may_not_render_is_told_so(browser: &Browser, service: &Service) {
    let admin = token_of(service, EMAIL, PASSWORD).await;
    let made =
        ask(service, "/api/v1/api-keys", Some(&admin), &json!({ "name": "k", "scopes": ["catalog:read"] })).await;
    let enter = format!(
        "document.querySelector('#with-key').open = true; document.querySelector('#key').value = '{}'; \
         document.querySelector('#key-form button').click()",
        made["secret"].as_str().expect("a key")
    );
    browser.run(&enter).await;
    browser.until("document.activeElement === document.querySelector('#refusal')").await;
    let said = browser.run("return document.querySelector('#refusal').textContent").await;
    assert_eq!(said, "This API key does not include rendering. Ask your administrator for one that does.");
    browser.until(CONNECTED).await;
    let shown = "return ['submit', 'list', 'notice'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.run(shown).await, json!([true, true, true]));
    fits(browser, "no-rendering").await;
    let listen = "const real = window.fetch; window.asked = []; \
                  window.fetch = (path, options) => { window.asked.push(path); return real(path, options); }";
    browser.run(listen).await;
    browser.until("window.asked.length > 1").await;
    assert_eq!(browser.run("return [...new Set(window.asked)]").await, json!(["api/v1/me"]));
    browser.run("document.querySelector('#sign-out').click()").await;
    browser.until(AT_EMAIL).await;

    // A client's role has orders in place of renders.
    let new = json!({ "email": "cleo@studio.test", "display_name": "Cleo", "role": "client", "password": PASSWORD });
    ask(service, "/api/v1/users", Some(&admin), &new).await;
    browser.type_keys(&format!("cleo@studio.test{TAB}{PASSWORD}{ENTER}")).await;
    browser.until("document.activeElement === document.querySelector('#orders-title')").await;
    browser.until(CONNECTED).await;
    browser.until("!document.querySelector('#no-orders').hidden && document.querySelector('#notice').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Orders · Packshot");
}

async fn signing_out_without_the_service_is_said(browser: &Browser) {
    browser.run(GOES_AWAY).await;
    browser.run("document.querySelector('#sign-out').click()").await;
    browser.until(AT_FAULT).await;
    let said = browser.run("return document.querySelector('#sign-in-error').textContent").await;
    assert_eq!(said, "You are signed out here, but the service could not be told.");
    let left = "return [sessionStorage.length, document.querySelector('#who').textContent, \
                document.querySelector('#account').hidden, document.querySelector('#work').hidden]";
    assert_eq!(browser.run(left).await, json!([0, "", true, true]));
}

async fn t19_too_many_wrong_passwords_say_how_long_to_wait(browser: &Browser, service: &Service) {
    let wrong = json!({ "email": "nobody@studio.test", "password": "wrong words together" });
    for _ in 0..10 {
        ask(service, "/api/auth/login", None, &wrong).await;
    }
    browser.type_keys(&format!("nobody@studio.test{TAB}wrong words together{ENTER}")).await;
    browser.until(AT_FAULT).await;
    let said = browser.run("return document.querySelector('#sign-in-error').textContent").await;
    assert_eq!(said, "Too many failed attempts. Try again in 15 minutes.");
}
