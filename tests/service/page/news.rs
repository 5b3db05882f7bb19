//! What people are told, on the page: the bell, the lists of notifications, activity and alerts, and who is told how
//! often.

use serde_json::{Value, json};

use super::caller::{Caller, PASSWORD, id};
use super::{ENTER, click, fits, start};
use crate::service::{SOON, Service, Workplace, boxes, until};
use crate::webdriver::Browser;

/// What the bell says to those who cannot see it.
const BELL: &str = "document.querySelector('#bell').getAttribute('aria-label')";

/// Waits until a list has an entry of which this is a part.
async fn until_told(browser: &Browser, list: &str, words: &str) {
    browser.until(&format!("document.querySelector('#{list}-list').textContent.includes('{words}')")).await;
}

pub(super) async fn n28_people_are_told(browser: &Browser) {
    let place = Workplace::new();
    std::fs::create_dir(place.path("downloads")).expect("made");
    let service = start(&place);
    let open = Caller::open(&service);
    browser.open("about:blank").await;
    browser.complaints().await;
    browser.open(&format!("{}/#notifications", service.url)).await;
    browser.until("!document.querySelector('#no-notifications').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Notifications · Packshot");
    browser.until(&format!("{BELL} === 'Notifications: 0 unread'")).await;
    assert_eq!(browser.run("return document.querySelector('#bell-count').textContent").await, "");
    fits(browser, "notifications-empty").await;

    let tiny = json!({"width": 64, "height": 48, "samples": 4, "denoise": "off"});
    let product = open.product("6204", boxes()).await;
    let front = open.output_type("Front", tiny, None).await;
    let order = open.order(&[(&product, &front)], json!({"order_number": "PO 4711"})).await;
    open.post(&format!("/api/orders/{}/submit", id(&order)), json!({})).await;
    open.post(&format!("/api/orders/{}/dispatch", id(&order)), json!({})).await;

    // The bell rings without a reload: for the submission and for the summary, and never for activity.
    browser.until(&format!("{BELL} === 'Notifications: 2 unread'")).await;
    assert_eq!(browser.run("return document.querySelector('#bell-count').textContent").await, "2");
    until_told(browser, "notifications", "Order #PO 4711 rendering complete: 1/1 succeeded, 0 failed").await;
    fits(browser, "notifications").await;
    // One that is opened is read, and leads to what it is about.
    browser.run("document.querySelector('#notifications-list .unread button').focus()").await;
    browser.type_keys(ENTER).await;
    browser.until("document.querySelector('#order-number').textContent === 'PO 4711'").await;
    browser.until(&format!("{BELL} === 'Notifications: 1 unread'")).await;
    browser.run("location.hash = 'notifications'").await;
    click(browser, "#read-all").await;
    browser.until(&format!("{BELL} === 'Notifications: 0 unread'")).await;
    browser.until("!document.querySelector('#notifications-list .unread')").await;
    // What is marked elsewhere is seen here.
    let items = open.get("/api/notifications").await;
    open.post(&format!("/api/notifications/{}/unread", id(&items["items"][0])), json!({})).await;
    browser.until(&format!("{BELL} === 'Notifications: 1 unread'")).await;

    browser.run("document.querySelector('#activity-tab').click()").await;
    until_told(browser, "activity", "render.completed").await;
    assert_eq!(browser.run("return document.title").await, "Activity · Packshot");
    fits(browser, "activity").await;
    browser
        .run("const kind = document.querySelector('#activity-filter'); kind.value = 'order.*'; kind.dispatchEvent(new Event('change'))")
        .await;
    browser.until("!document.querySelector('#activity-list').textContent.includes('render.completed')").await;
    until_told(browser, "activity", "order.submitted").await;
    browser.run("document.querySelector('#alerts-tab').click()").await;
    browser.until("!document.querySelector('#no-alerts').hidden").await;
    fits(browser, "alerts").await;
    preferences(browser, &service).await;
    a_client_has_no_alerts(browser, &place, &service).await;
}

async fn preferences(browser: &Browser, service: &Service) {
    browser.run("location.hash = 'settings'").await;
    let choice = "document.querySelector('[data-type=\"order.rendering_complete\"] select')";
    browser.until(&format!("{choice}?.value === 'immediate'")).await;
    fits(browser, "settings").await;
    // As when an answer of the service that was asked for before brings back the old one.
    browser
        .run(&format!(
            "const choice = {choice}; choice.value = 'daily'; choice.dispatchEvent(new Event('change')); \
             choice.value = 'immediate'"
        ))
        .await;
    browser.until("document.querySelector('#preference-said').textContent.includes('every day, together')").await;
    let stored = Caller::open(service).get("/api/v1/notification-configs").await;
    let of = |row: &&Value| row["event_type"] == "order.rendering_complete";
    let stored = stored["items"].as_array().expect("rows").iter().find(of).expect("a row");
    assert_eq!(stored["frequency"], "daily");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn a_client_has_no_alerts(browser: &Browser, place: &Workplace, service: &Service) {
    let (code, key, stderr) = place.run(&["admin", "create-key", "--name", "admin"]);
    assert_eq!(code, 0, "{stderr}");
    let admin = Caller::with_key(service, &key);
    admin.user("cleo@test", "client").await;
    until("a sign-in is needed", SOON, async || service.status("/api/v1/renders").await == 401).await;
    browser.open("about:blank").await;
    browser.open(&format!("{}/#alerts", service.url)).await;
    browser.until("!document.querySelector('#sign-in').hidden").await;
    browser
        .run(&format!(
            "document.querySelector('#sign-in-form [name=email]').value = 'cleo@test'; \
             document.querySelector('#sign-in-form [name=password]').value = '{PASSWORD}'; \
             document.querySelector('#sign-in-form [type=submit]').click()"
        ))
        .await;
    browser.until("document.querySelector('#door').hidden && !document.querySelector('#news').hidden").await;
    browser.until("!document.querySelector('#no-notifications').hidden").await;
    let tabs =
        "return [...document.querySelectorAll('.tabs a')].filter((a) => a.offsetParent).map((a) => a.textContent)";
    assert_eq!(browser.run(tabs).await, json!(["Notifications", "Activity"]));
    browser.until(&format!("{BELL} === 'Notifications: 0 unread'")).await;
    browser.complaints().await;
}
