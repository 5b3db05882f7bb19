//! Reviews of materials on the page: a fix is applied, parked with a reason, and said to have worked.

use serde_json::json;

use super::caller::{Caller, id};
use super::{click, fits, start_with};
use crate::product::{self, BOXES, Part};
use crate::service::Workplace;
use crate::webdriver::Browser;

/// The buttons of the first fix.
const OFFERED: &str = "return [...document.querySelectorAll('#review-parts .lines li:first-child .actions button')].map((b) => b.textContent)";

/// The button of the first fix that says this.
fn button(words: &str) -> String {
    format!(
        "[...document.querySelectorAll('#review-parts .lines li:first-child .actions button')].find((b) => b.textContent === '{words}')"
    )
}

pub(super) async fn f26_a_fix_is_parked_with_a_reason(browser: &Browser, database: &[&str]) {
    let place = Workplace::new();
    std::fs::create_dir(place.path("downloads")).expect("made");
    let service = start_with(&place, database);
    let open = Caller::open(&service);
    browser.open("about:blank").await;
    browser.complaints().await;
    browser.open(&format!("{}/#reviews", service.url)).await;
    browser.until("!document.querySelector('#no-reviews').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Reviews · Packshot");
    assert_eq!(browser.run("return document.querySelector('#to-reviews').getAttribute('aria-current')").await, "page");
    fits(browser, "reviews-empty").await;

    let tiny = json!({"width": 64, "height": 48, "samples": 4, "denoise": "off"});
    let [base, ..] = BOXES;
    let part = Part { name: "Steel_Bar", ..base };
    let product = open.product("6204", product::glb(&[part])).await;
    let front = open.output_type("Front", tiny, None).await;
    let order = open.order(&[(&product, &front)], json!({"order_number": "PO 4711"})).await;
    open.post(&format!("/api/orders/{}/submit", id(&order)), json!({})).await;
    open.post(&format!("/api/orders/{}/dispatch", id(&order)), json!({})).await;
    // It appears without a reload.
    browser.until("document.querySelector('#review-list button')").await;
    click(browser, "#review-list button").await;
    browser.until("document.querySelector('#review-name').textContent === 'Steel_Bar'").await;
    browser.until("document.querySelector('#review-parts .lines li')").await;
    fits(browser, "review").await;
    let all = ["Apply", "Worked", "Did not work", "Worked in part…", "Wait…", "Dismiss"];
    assert_eq!(browser.run(OFFERED).await, json!(all));

    browser.run(&format!("{}.click()", button("Apply"))).await;
    browser.until("document.querySelector('#review-state').textContent === 'resolved'").await;
    let proposal = "document.querySelector('#review-parts .remark')?.textContent.includes('now renders with')";
    browser.until(proposal).await;

    // The form cannot be sent without a reason.
    browser.run(&format!("{}.click()", button("Wait…"))).await;
    browser.until("document.querySelector('#outcome').open").await;
    assert_eq!(browser.run("return document.querySelector('#outcome-notes').required").await, true);
    for blank in ["", "   "] {
        let send = format!(
            "document.querySelector('#outcome-notes').value = '{blank}'; document.querySelector('#outcome-form').requestSubmit()"
        );
        browser.run(&send).await;
        assert_eq!(browser.run("return document.querySelector('#outcome').open").await, true);
    }
    let stored = open.get("/api/v1/material-reviews").await;
    assert_eq!(stored["items"][0]["fixes"][0]["status"], "proposed", "nothing was sent");
    fits(browser, "review-outcome").await;
    let reason = "waiting for the colour sample";
    let send = format!(
        "document.querySelector('#outcome-notes').value = '{reason}'; document.querySelector('#outcome-form').requestSubmit()"
    );
    browser.run(&send).await;
    browser.until("!document.querySelector('#outcome').open").await;
    browser.until(&format!("document.querySelector('#review-parts').textContent.includes('{reason}')")).await;
    let parked = ["Worked", "Did not work", "Worked in part…", "Change reason…", "Dismiss"];
    assert_eq!(browser.run(OFFERED).await, json!(parked));

    browser.run("document.querySelector('#write-note').click()").await;
    browser.until("document.querySelector('#review-note').textContent.includes('Provisional')").await;
    fits(browser, "review-note").await;
    browser.run(&format!("{}.click()", button("Worked"))).await;
    browser.until("document.querySelector('#review-parts .lines li').dataset.status === 'applied_success'").await;
    assert_eq!(browser.run(OFFERED).await, json!([]));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
