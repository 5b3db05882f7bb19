//! Orders on the page: a project manager runs them, a client finds their own.

use serde_json::{Value, json};

use super::caller::{Caller, PASSWORD, id};
use super::{ENTER, ESCAPE, RECORDS_REFUSALS, click, fits, start};
use crate::product::{self, BOXES};
use crate::service::{SOON, Service, Workplace, boxes, until};
use crate::webdriver::Browser;

/// The buttons for what can be done with the order.
const OFFERED: &str =
    "return [...document.querySelectorAll('#order-actions button')].filter((b) => b.offsetParent).map((b) => b.id)";

/// Waits until the order is in a state.
async fn until_order(browser: &Browser, state: &str) {
    browser.until(&format!("document.querySelector('#order-state').textContent === '{state}'")).await;
}

/// Waits until as many lines are in a state.
async fn until_lines(browser: &Browser, n: usize, state: &str) {
    let states = "[...document.querySelectorAll('#lines .state')]";
    browser.until(&format!("{states}.filter((e) => e.classList.contains('{state}')).length === {n}")).await;
}

pub(super) async fn orders_are_followed_and_run(browser: &Browser) {
    let place = Workplace::new();
    std::fs::create_dir(place.path("downloads")).expect("made");
    let service = start(&place);
    let open = Caller::open(&service);
    browser.prefer_colours("light").await;
    // What the page said of a service that has ended, or of what it was meant to be refused, is not this story's: it
    // says nothing more once it is left.
    browser.open("about:blank").await;
    browser.complaints().await;
    browser.open(&format!("{}/#orders", service.url)).await;
    browser.until("!document.querySelector('#no-orders').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Orders · Packshot");
    assert_eq!(browser.run("return document.querySelector('#to-orders').getAttribute('aria-current')").await, "page");
    fits(browser, "orders-empty").await;

    let tiny = json!({"width": 64, "height": 48, "samples": 4, "denoise": "off"});
    let long = json!({"width": 256, "height": 256, "samples": 65_536, "noise_threshold": 0, "max_time_s": 600});
    let name = "a-part-with-a-name-as-long-as-those-of-a-warehouse_".repeat(3);
    let (boxes, two) = (open.product("6204", boxes()).await, open.product(&name, product::glb(&BOXES[..2])).await);
    let front = open.output_type("Front", tiny.clone(), None).await;
    let strict =
        open.output_type("Strict, with a name of several words that somebody thought necessary", tiny, Some(0)).await;
    let slow = open.output_type("Slow", long, None).await;
    let lines = [(&boxes, &front), (&two, &strict), (&boxes, &slow), (&two, &slow)];
    let order = open.order(&lines, json!({"order_number": "PO 4711/ü", "notes": "For the spring\ncatalogue"})).await;

    a_project_manager_runs_an_order(browser, &order).await;
    pages_of_orders(browser, &open, &boxes, &front).await;
    a_client_finds_their_own_orders(browser, &place, &service, (&boxes, &front)).await;
}

async fn a_project_manager_runs_an_order(browser: &Browser, order: &Value) {
    // It appears without a reload. Everything works with the keyboard alone.
    browser.until(&format!("document.querySelector('#order-list [data-id=\"{}\"]')", id(order))).await;
    browser.run("document.querySelector('#order-list button').focus()").await;
    browser.type_keys(ENTER).await;
    browser.until("document.querySelector('#order-number').textContent === 'PO 4711/ü'").await;
    browser.until("document.querySelector('#lines strong').textContent === '6204'").await;
    assert_eq!(browser.run("return document.title").await, "Order PO 4711/ü · Packshot");
    assert_eq!(browser.run(OFFERED).await, json!(["order-submit", "order-dispatch"]));
    browser.run("document.querySelector('#order-submit').focus()").await;
    browser.type_keys(ENTER).await;
    until_order(browser, "submitted").await;
    browser.until("document.activeElement === document.querySelector('#order-number')").await;
    assert_eq!(browser.run(OFFERED).await, json!(["order-dispatch", "order-reject"]));
    click(browser, "#order-dispatch").await;
    until_order(browser, "processing").await;
    until_lines(browser, 1, "failed").await;
    until_lines(browser, 1, "completed").await;
    browser
        .until("document.querySelector('#lines .progress:not([hidden])').getAttribute('aria-valuenow') !== null")
        .await;
    browser.until("document.querySelector('#lines .failed ~ .fault').textContent.includes('have no material')").await;
    browser.until("document.querySelector('#lines img').naturalWidth === 64").await;
    browser.until("document.querySelector('#order-facts').textContent.includes('1 of 4 lines done')").await;
    browser.until("document.querySelectorAll('#history li').length === 2").await;
    assert_eq!(browser.run(OFFERED).await, json!(["order-dispatch", "order-cancel", "order-reject"]));
    fits(browser, "order-processing").await;
    browser.resize(320).await;
    browser.screenshot("order-processing-320").await;
    let is_within = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(is_within).await, true, "at 320 px it is not scrolled sideways");
    browser.resize(1400).await;

    // A picture opens large, and goes with Escape; the focus goes back.
    browser.run("document.querySelector('#lines img').parentElement.focus()").await;
    browser.type_keys(ENTER).await;
    browser
        .until(
            "document.querySelector('#viewer').open && document.querySelector('#viewer-picture').naturalWidth === 64",
        )
        .await;
    assert_eq!(
        browser.run("return document.querySelector('#viewer-title').textContent").await,
        "6204, Front: result.png"
    );
    fits(browser, "order-picture").await;
    browser.type_keys(ESCAPE).await;
    browser.until("document.activeElement.querySelector('img')").await;
    assert_eq!(browser.run("return document.querySelector('#viewer-picture').hasAttribute('src')").await, false);

    // Who cancels and dispatches again, and rejects with a reason.
    click(browser, "#order-cancel").await;
    until_lines(browser, 2, "cancelled").await;
    until_order(browser, "completed").await;
    assert_eq!(browser.run(OFFERED).await, json!(["order-dispatch"]), "what is completed is not rejected");
    browser.until("document.querySelector('#announcement').textContent === 'Order PO 4711/ü is completed.'").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn pages_of_orders(browser: &Browser, open: &Caller<'_>, product: &Value, output_type: &Value) {
    let rejected = open.order(&[(product, output_type)], json!({"order_number": "wrong"})).await;
    open.post(&format!("/api/orders/{}/submit", id(&rejected)), json!({})).await;
    browser.run(&format!("location.hash = 'orders/{}'", id(&rejected))).await;
    until_order(browser, "submitted").await;
    click(browser, "#order-reject").await;
    browser.until("document.activeElement.name === 'reason'").await;
    fits(browser, "order-rejection").await;
    browser.type_keys("   ").await;
    click(browser, "#reject-for-good").await;
    browser.until("document.activeElement === document.querySelector('#rejection-error')").await;
    browser.until("document.querySelector('#rejection-error').textContent.includes('(validation_failed)')").await;
    let reason = "document.querySelector('[name=reason]').value = 'Wrong housing:\\nthat of last year'; \
                  document.querySelector('#reject-for-good').click()";
    browser.run(reason).await;
    until_order(browser, "rejected").await;
    browser
        .until("document.querySelector('#order-reason').textContent === 'Rejected: Wrong housing:\\nthat of last year'")
        .await;
    until_lines(browser, 1, "cancelled").await;
    assert_eq!(browser.run(OFFERED).await, json!(["order-resubmit"]));
    click(browser, "#order-resubmit").await;
    until_order(browser, "draft").await;
    browser.until("document.querySelector('#order-reason').hidden").await;
    browser.until("document.querySelector('#history').textContent.includes('Wrong housing')").await;
    // What is refused is said with its code: somebody else has deleted it.
    open.delete(&format!("/api/orders/{}", id(&rejected))).await;
    click(browser, "#order-submit").await;
    browser.until("document.querySelector('#notice').textContent.includes('(order_not_found)')").await;

    for _ in 0..32 {
        open.order(&[], json!({})).await;
    }
    // What came while the page looked is there; who comes anew sees the newest ones.
    browser.until("document.querySelectorAll('#order-list li').length >= 30").await;
    browser.open("about:blank").await;
    browser.open(&format!("{}/#orders", open.service.url)).await;
    browser.until("document.querySelectorAll('#order-list li').length === 30 && !document.querySelector('#more-orders').hidden").await;
    browser.run("document.querySelector('#orders-filter').value = 'completed'; document.querySelector('#orders-filter').dispatchEvent(new Event('change'))").await;
    browser.until("document.querySelectorAll('#order-list li').length === 1").await;
    browser.run("document.querySelector('#orders-filter').value = ''; document.querySelector('#orders-filter').dispatchEvent(new Event('change'))").await;
    browser.until("!document.querySelector('#more-orders').hidden").await;
    browser.run("document.querySelector('#more-orders').focus()").await;
    browser.type_keys(ENTER).await;
    browser.until("document.querySelectorAll('#order-list li').length === 33").await;
    browser.until("document.querySelector('#more-orders').hidden && document.querySelector('#order-list').contains(document.activeElement)").await;
    fits(browser, "orders").await;

    // Two hundred lines: names of all, pictures of those in sight.
    let order = open.order(&vec![(product, output_type); 200], json!({})).await;
    browser.run(&format!("location.hash = 'orders/{}'", id(&order))).await;
    browser.until("document.querySelectorAll('#lines li').length === 200").await;
    browser.until("[...document.querySelectorAll('#lines strong')].every((e) => e.textContent === '6204')").await;
    fits(browser, "order-200").await;
}

async fn a_client_finds_their_own_orders(
    browser: &Browser,
    place: &Workplace,
    service: &Service,
    (product, output_type): (&Value, &Value),
) {
    let (code, key, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    until("a key is needed", SOON, async || service.status("/api/orders").await == 401).await;
    let admin = Caller::with_key(service, &key);
    admin.user("cleo@studio.test", "client").await;
    let cleo = Caller::signed_in(service, "cleo@studio.test").await;
    let own = cleo.order(&[(product, output_type)], json!({"order_number": "of Cleo"})).await;

    browser.open("about:blank").await;
    browser.open(&service.url).await;
    browser.until("document.activeElement === document.querySelector('#sign-in-form [name=email]')").await;
    browser.type_keys(&format!("cleo@studio.test\u{E004}{PASSWORD}{ENTER}")).await;
    // Who may not see renders begins with the orders.
    browser.until("document.activeElement === document.querySelector('#orders-title')").await;
    browser.until("document.querySelectorAll('#order-list li').length === 1").await;
    let ways = "return ['to-renders', 'to-orders', 'work'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.run(ways).await, json!([true, false, true]));
    browser.run(RECORDS_REFUSALS).await;
    click(browser, "#order-list button").await;
    until_order(browser, "draft").await;
    assert_eq!(browser.run(OFFERED).await, json!(["order-submit"]));
    click(browser, "#order-submit").await;
    until_order(browser, "submitted").await;
    assert_eq!(browser.run(OFFERED).await, json!([]));

    // What others do with it is seen, and its pictures too.
    admin.post(&format!("/api/orders/{}/dispatch", id(&own)), json!({})).await;
    until_order(browser, "completed").await;
    browser.until("document.querySelector('#lines img').naturalWidth === 64").await;
    fits(browser, "order-of-a-client").await;
    assert_eq!(browser.run("return window.refused").await, json!([]), "nothing was asked for that is refused");
    let again = cleo.order(&[(product, output_type)], json!({"order_number": "again"})).await;
    cleo.post(&format!("/api/orders/{}/submit", id(&again)), json!({})).await;
    admin.post(&format!("/api/orders/{}/reject", id(&again)), json!({"reason": "Größe fehlt"})).await;
    browser.run(&format!("location.hash = 'orders/{}'", id(&again))).await;
    browser.until("document.querySelector('#order-reason').textContent === 'Rejected: Größe fehlt'").await;
    assert_eq!(browser.run(OFFERED).await, json!(["order-resubmit"]));
    // Its stream has closed. What somebody does with it then is seen all the same.
    cleo.post(&format!("/api/orders/{}/resubmit", id(&again)), json!({})).await;
    until_order(browser, "draft").await;
    assert_eq!(browser.run("return window.refused").await, json!([]));
}
