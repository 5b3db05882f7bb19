//! Workflows on the page: runs are followed and cancelled, their pictures are looked at, and steps that cannot be
//! dispatched are shown as such.

use serde_json::{Value, json};

use super::caller::{Caller, PASSWORD, id};
use super::{ENTER, ESCAPE, RECORDS_REFUSALS, click, fits, start};
use crate::service::{SOON, Workplace, boxes, until};
use crate::webdriver::Browser;

/// What is only text, and looks like more.
const NAME: &str = "Still <b>of</b> a &amp; part";
/// The nodes that are shown: id, name of the step, state.
const NODES: &str = "return [...document.querySelectorAll('#nodes li')].map((e) => [e.dataset.node, \
                     e.querySelector('strong').textContent, e.querySelector('.state').textContent])";
/// Which of the places beside the list is shown.
const PLACE: &str =
    "return ['run', 'runs', 'steps-there-are'].filter((id) => !document.getElementById(id).hidden).join()";

/// Waits until the run is in a state.
async fn until_run(browser: &Browser, state: &str) {
    browser.until(&format!("document.querySelector('#run-state').textContent === '{state}'")).await;
}

/// Presses Enter on a button.
async fn press(browser: &Browser, selector: &str) {
    browser.until(&format!("document.querySelector('{selector}')?.disabled === false")).await;
    browser.run(&format!("document.querySelector('{selector}').focus()")).await;
    browser.type_keys(ENTER).await;
}

/// Waits until an element has the focus.
async fn until_focused(browser: &Browser, selector: &str) {
    browser.until(&format!("document.activeElement === document.querySelector('{selector}')")).await;
}

pub(super) async fn runs_are_followed(browser: &Browser) {
    let place = Workplace::new();
    let service = start(&place);
    let open = Caller::open(&service);
    browser.prefer_colours("light").await;
    // What the page said of a service that has ended, or of what it was meant to be refused, is not this story's: it
    // says nothing more once it is left.
    browser.open("about:blank").await;
    browser.complaints().await;
    browser.open(&format!("{}/#workflows", service.url)).await;
    browser.until("!document.querySelector('#no-workflows').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Workflows · Packshot");
    let current = "return document.querySelector('#to-workflows').getAttribute('aria-current')";
    assert_eq!(browser.run(current).await, "page");
    fits(browser, "workflows-empty").await;

    steps_that_are_disabled_are_shown_as_such(browser, &open).await;

    let product = open.product("6204", boxes()).await;
    let tiny = json!({"width": 64, "height": 48, "samples": 4, "denoise": "off"});
    let long = json!({"width": 256, "height": 256, "samples": 65_536, "noise_threshold": 0, "max_time_s": 600});
    let front = open.output_type("Front", tiny, None).await;
    let slow = open.output_type("Slow, with a name of several words that somebody thought necessary", long, None).await;
    let order = open.order(&[(&product, &front), (&product, &slow)], json!({})).await;
    let workflow = open.workflow(NAME, "still_with_exports").await;
    a_run_shows_its_nodes_and_their_picture(browser, &open, (&workflow, &order["lines"][0])).await;
    a_run_is_cancelled(browser, &open, (&workflow, &order["lines"][1])).await;
    a_shadow_run_shows_both_pictures(browser, &open, &product).await;
    a_draft_runs_on_a_cad_file(browser, &open, &product["cad_file_id"]).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    what_is_not_there_is_said(browser, &open).await;
    a_client_does_not_find_them(browser, &place, &open).await;
}

async fn steps_that_are_disabled_are_shown_as_such(browser: &Browser, open: &Caller<'_>) {
    browser.until("document.querySelectorAll('#step-list li').length === 20").await;
    let step = "document.querySelector('#step-list [data-step=render_turntable]')";
    let words = format!("return [...{step}.children].map((e) => e.textContent)");
    let about = "Renders a movie of the turning product.";
    assert_eq!(browser.run(&words).await, json!(["Render a turntablerender_turntable", about]));
    open.patch("/api/v1/settings", json!({"disabled_steps": ["render_turntable"]})).await;
    // They are read again when somebody comes back to them.
    browser.run("location.hash = 'orders'").await;
    browser.until("document.title === 'Orders · Packshot'").await;
    browser.run("location.hash = 'workflows'").await;
    browser.until(&format!("{step}.classList.contains('off')")).await;
    let shown = browser.run(&words).await;
    assert_eq!((&shown[1], &shown[2]), (&json!("not available"), &json!(about)));
    assert!(shown[3].as_str().is_some_and(|reason| reason.contains("disabled_steps")), "{shown}");
    let is_other = "return document.querySelector('#step-list [data-step=render_still]').classList.contains('off')";
    assert_eq!(browser.run(is_other).await, false);
    fits(browser, "workflow-steps").await;
}

async fn a_run_shows_its_nodes_and_their_picture(
    browser: &Browser,
    open: &Caller<'_>,
    (workflow, line): (&Value, &Value),
) {
    // It appears without a reload. Everything works with the keyboard alone.
    let row = format!("#workflow-list [data-id=\"{}\"] button", id(workflow));
    press(browser, &row).await;
    browser.until("!document.querySelector('#no-runs').hidden").await;
    assert_eq!(browser.run(PLACE).await, "runs");
    let row = browser.run(&format!("return document.querySelector('{row}').textContent")).await;
    assert_eq!(row, format!("{NAME}preset still with exports, mode graphactive"));
    assert_eq!(browser.run("return document.title").await, format!("{NAME} · Packshot"));
    fits(browser, "workflow").await;

    let run = open.dispatch(workflow, line).await;
    browser.until(&format!("document.querySelector('#run-list [data-id=\"{}\"]')", id(&run))).await;
    browser.until("document.querySelector('#run-list strong').textContent === '6204, Front'").await;
    press(browser, "#run-list button").await;
    until_focused(browser, "#run-title").await;
    until_run(browser, "completed").await;
    let nodes = json!([
        ["setup", "Set up the order line", "completed"],
        ["template", "Find the template", "completed"],
        ["render", "Render a still", "completed"],
        ["output", "Publish the output", "completed"],
        ["blend", "Export a production GLB", "completed"],
    ]);
    assert_eq!(browser.run(NODES).await, nodes);
    let title = format!("{NAME} on 6204, Front");
    assert_eq!(browser.run("return document.title").await, format!("{title} · Packshot"));
    assert_eq!(browser.run("return document.querySelector('#run-title').textContent").await, title);
    assert_eq!(browser.run("return document.querySelector('#run-id').textContent").await, id(&run));
    assert_eq!(browser.run("return document.querySelectorAll('#workflows b').length").await, 0, "names are text");
    browser.until("/ms|s$/.test(document.querySelector('[data-node=render] .words .quiet').textContent)").await;
    browser.until("document.querySelector('[data-node=render] img')?.naturalWidth === 64").await;
    browser.until("document.querySelector('[data-node=blend] .files').textContent === 'Save result.glb'").await;
    assert_eq!(browser.run("return document.querySelectorAll('#nodes img').length").await, 1);
    assert_eq!(browser.run("return document.querySelector('#run-cancel').hidden").await, true);
    fits(browser, "workflow-run").await;

    // A picture opens large, and goes with Escape; the focus goes back.
    press(browser, "#nodes button").await;
    browser
        .until(
            "document.querySelector('#viewer').open && document.querySelector('#viewer-picture').naturalWidth === 64",
        )
        .await;
    let large = browser.run("return document.querySelector('#viewer-title').textContent").await;
    assert_eq!(large, "Render a still (render): result.png");
    browser.type_keys(ESCAPE).await;
    browser.until("document.activeElement.querySelector('img')").await;
}

async fn a_run_is_cancelled(browser: &Browser, open: &Caller<'_>, (workflow, line): (&Value, &Value)) {
    press(browser, "#to-runs").await;
    until_focused(browser, "#runs-title").await;
    let run = open.dispatch(workflow, line).await;
    let row = format!("#run-list [data-id=\"{}\"]", id(&run));
    click(browser, &format!("{row} button")).await;
    until_run(browser, "running").await;
    browser.until("document.querySelector('[data-node=render] .state').textContent === 'running'").await;
    browser.until("document.querySelector('[data-node=render] .quiet').textContent.includes('since ')").await;
    fits(browser, "workflow-running").await;
    press(browser, "#run-cancel").await;
    until_focused(browser, "#run-title").await;
    until_run(browser, "cancelled").await;
    browser.until("document.querySelector('[data-node=render] .state').textContent === 'cancelled'").await;
    browser.until("document.querySelector('#announcement').textContent.endsWith(' was cancelled.')").await;
    browser.until("document.querySelector('#run-cancel').hidden").await;
    press(browser, "#to-runs").await;
    browser.until(&format!("document.querySelector('{row} .state').textContent === 'cancelled'")).await;
    // One that has runs is kept when it is deleted.
    open.delete(&format!("/api/workflows/{}", id(workflow))).await;
    let badge = format!("#workflow-list [data-id=\"{}\"] .state", id(workflow));
    browser.until(&format!("document.querySelector('{badge}').textContent === 'inactive'")).await;
}

async fn a_draft_runs_on_a_cad_file(browser: &Browser, open: &Caller<'_>, file: &Value) {
    let draft = json!({"context_id": file, "config": {"type": "thumbnail"}});
    let run = open.post("/api/workflows/dispatch", draft).await["workflow_run"].clone();
    // Who comes with its address finds it.
    browser.open("about:blank").await;
    browser.open(&format!("{}/#workflows/runs/{}", open.service.url, id(&run))).await;
    browser.until("document.querySelector('#run-title').textContent === 'Draft on part.glb'").await;
    until_run(browser, "completed").await;
    browser.until("document.querySelector('#nodes img')?.naturalWidth > 0").await;
    assert_eq!(browser.run("return document.querySelector('#to-runs').hidden").await, true);
}

async fn a_shadow_run_shows_both_pictures(browser: &Browser, open: &Caller<'_>, product: &Value) {
    let tiny = json!({"width": 64, "height": 48, "samples": 4, "denoise": "off"});
    let shadowed = open.output_type("Shadowed", tiny, None).await;
    let config = json!({"type": "still", "params": {"seed": 7}, "ui": {"execution_mode": "shadow"}});
    let workflow = open.post("/api/workflows", json!({"name": "Shadow", "config": config})).await;
    let gate = json!({"metric": "flip", "pass_max": 0.9, "warn_max": 1});
    let patch = json!({"workflow_definition_id": workflow["id"], "rollout_gate": gate});
    open.patch(&format!("/api/v1/output-types/{}", id(&shadowed)), patch).await;
    let order = open.order(&[(product, &shadowed)], json!({})).await;
    let line = id(&order["lines"][0]);
    let done = open.post(&format!("/api/v1/order-lines/{line}/dispatch"), json!({})).await;
    let run = done["shadow_workflow_run_id"].as_str().expect("an id").to_owned();
    browser.open("about:blank").await;
    browser.open(&format!("{}/#workflows/runs/{run}", open.service.url)).await;
    until_run(browser, "completed").await;
    browser.until("document.querySelector('#verdict').textContent === 'pass'").await;
    let pictures = "[...document.querySelectorAll('#compared-pictures img')].map((e) => e.naturalWidth).join()";
    browser.until(&format!("{pictures} === '64,64,64'")).await;
    let figures = browser.run("return document.querySelector('#verdict-figures').textContent").await;
    assert!(figures.as_str().is_some_and(|text| text.starts_with("FLIP 0.")), "{figures}");
    fits(browser, "workflow-compared").await;
    // A picture opens large.
    press(browser, "[data-picture=flip]").await;
    browser.until("document.querySelector('#viewer').open").await;
    browser.type_keys(ESCAPE).await;
    browser.until("document.activeElement.dataset.picture === 'flip'").await;
}

async fn what_is_not_there_is_said(browser: &Browser, open: &Caller<'_>) {
    browser.run("location.hash = 'workflows/runs/1'").await;
    browser.until("document.querySelector('#notice').textContent.includes('(workflow_run_not_found)')").await;
    assert_eq!(browser.run(PLACE).await, "steps-there-are");
    browser.run("location.hash = 'workflows/1'").await;
    browser.until("document.querySelector('#notice').textContent.includes('(workflow_not_found)')").await;
    browser.run("location.hash = 'workflows'").await;
    browser.until("document.querySelector('#notice').hidden").await;

    // A tenant without workflows is told so, as long as it is so.
    let tenant = open.get("/api/v1/me").await["tenant"]["id"].as_str().expect("an id").to_owned();
    let switched = async |is_on: bool| {
        let features = json!({"features": {"workflows": is_on}});
        open.patch(&format!("/api/v1/tenants/{tenant}/config"), features).await;
        browser.until(&format!("document.querySelector('#workflows-off').hidden === {is_on}")).await;
        browser.until(&format!("document.querySelector('#workflow-lists').hidden !== {is_on}")).await;
    };
    switched(false).await;
    fits(browser, "workflows-off").await;
    switched(true).await;
}

async fn a_client_does_not_find_them(browser: &Browser, place: &Workplace, open: &Caller<'_>) {
    let service = open.service;
    let (code, key, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    until("a key is needed", SOON, async || service.status("/api/workflows").await == 401).await;
    Caller::with_key(service, &key).user("cleo@studio.test", "client").await;
    browser.until("!document.querySelector('#sign-in').hidden && !document.querySelector('#door').hidden").await;
    let kept = "return ['workflow-list', 'run-list', 'nodes', 'step-list'].map((id) => document.getElementById(id).textContent).join('')";
    assert_eq!(browser.run(kept).await, "", "nothing is kept for the next one");

    browser.open("about:blank").await;
    browser.open(&format!("{}/#workflows", service.url)).await;
    until_focused(browser, "#sign-in-form [name=email]").await;
    browser.run(RECORDS_REFUSALS).await;
    browser.type_keys(&format!("cleo@studio.test\u{E004}{PASSWORD}{ENTER}")).await;
    until_focused(browser, "#orders-title").await;
    browser.until("!document.querySelector('#no-orders').hidden || document.querySelector('#order-list li')").await;
    let hidden = "return ['to-orders', 'to-workflows', 'workflows'].map((id) => document.getElementById(id).hidden)";
    assert_eq!(browser.run(hidden).await, json!([false, true, true]));
    assert_eq!(browser.run("return window.refused").await, json!([]), "nothing was asked for that is refused");
}
