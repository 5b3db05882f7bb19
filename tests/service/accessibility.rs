//! The web page and the API reference checked against the rules of axe-core (<https://github.com/dequelabs/axe-core>),
//! in light and dark colours.

use packshot_contract::client::Submission;
use serde_json::json;

use crate::service::{SOON, Service, Workplace, http, tiny, until};
use crate::tools::tool;
use crate::webdriver::Browser;

/// Of the reference's articles, only those stay that have a kind of element which none before has: axe-core looks at
/// the colours of each element for as long as at all else together.
const LEAVES_OUT_WHAT_LOOKS_ALIKE: &str = "const known = new Set(); \
    for (const article of document.querySelectorAll('main article')) { \
        const kinds = [...article.querySelectorAll('*')].map((e) => `${e.parentElement.tagName}.${e.parentElement.className} ${e.tagName}.${e.className}`); \
        if (kinds.every((kind) => known.has(kind))) article.remove(); \
        kinds.forEach((kind) => known.add(kind)); \
    } \
    return document.querySelectorAll('main article').length > 3";

/// axe-core's script, where `scripts/test` installs it.
fn axe() -> Option<String> {
    std::fs::read_to_string(tool("axe/node_modules/axe-core/axe.min.js")?).ok()
}

#[tokio::test]
async fn axe_finds_nothing_on_the_page_and_the_reference() {
    let Some(axe) = axe() else {
        println!("skipped: axe-core is not installed");
        return;
    };
    let place = Workplace::new();
    std::fs::create_dir(place.path("downloads")).expect("made");
    let Some(browser) = Browser::start(&place.path("downloads")).await else {
        println!("skipped: Chromium or chromedriver is not installed");
        return;
    };
    let mut command = place.command(&["serve", "--threads", "1"]);
    // Pages are opened faster than people do.
    let service =
        Service::spawn(command.env("PACKSHOT_LISTEN", "127.0.0.1:0").env("PACKSHOT_RATE_LIMIT_BURST", "1000"));
    let check_by = async |rules: &str, what: &str| {
        browser.run(&axe).await;
        let script = format!(
            "return axe.run(document, {rules}).then(({{ violations }}) => violations.map(({{ id, nodes }}) => \
             [id, ...nodes.map((node) => `${{node.html}}: ${{node.failureSummary}}`)]))"
        );
        assert_eq!(browser.run(&script).await, json!([]), "{what}");
    };
    let check = async |what: &str| check_by("{}", what).await;
    // What is done on the page to get from each state to the next, and how that is known.
    let look_along = async |fragment: &str, states: &[(&str, &str)]| {
        for scheme in ["light", "dark"] {
            browser.prefer_colours(scheme).await;
            // Another fragment alone would not load the page again.
            browser.open("about:blank").await;
            browser.open(&format!("{}/{fragment}", service.url)).await;
            for (act, is_shown) in states {
                browser.run(act).await;
                browser.until(is_shown).await;
                check(&format!("{is_shown} in {scheme} colours")).await;
            }
        }
    };
    let look = async |fragment: &str, is_shown: &str| look_along(fragment, &[("", is_shown)]).await;
    look("", "!document.querySelector('#empty').hidden").await;
    for scheme in ["light", "dark"] {
        browser.prefer_colours(scheme).await;
        browser.open(&format!("{}/docs/", service.url)).await;
        browser.until("document.querySelectorAll('main article h3').length > 90").await;
        if scheme == "light" {
            check_by("{rules: {'color-contrast': {enabled: false}}}", "the reference").await;
        }
        assert_eq!(browser.run(LEAVES_OUT_WHAT_LOOKS_ALIKE).await, true, "some articles are different");
        check_by("{runOnly: ['color-contrast', 'link-in-text-block']}", &format!("the reference in {scheme} colours"))
            .await;
    }
    let done = service.client().submit(&tiny()).await.expect("accepted").id;
    let is_done = "document.querySelector('#job-state').textContent === 'completed' \
                   && document.querySelector('#picture').naturalWidth === 32";
    let deletion = ("document.querySelector('#delete').click()", "document.querySelector('#deletion').open");
    look_along(&format!("#{done}"), &[("", is_done), deletion]).await;
    let broken = Submission::of_glb(b"glTF\x02\0\0\0".to_vec());
    let failed = service.client().submit(&broken).await.expect("accepted").id;
    look(&format!("#{failed}"), "document.querySelector('#job-state').textContent === 'failed'").await;
    look("#orders", "!document.querySelector('#no-orders').hidden").await;
    let (ordered, rejected) = orders(&place, &service).await;
    let is_done = "document.querySelector('#order-state').textContent === 'completed' \
                   && document.querySelector('#lines img').naturalWidth === 32";
    let large = ("document.querySelector('#lines button').click()", "document.querySelector('#viewer').open");
    look_along(&format!("#orders/{ordered}"), &[("", is_done), large]).await;
    let is_rejected = "!document.querySelector('#order-reason').hidden";
    let again =
        ("document.querySelector('#order-resubmit').click()", "!document.querySelector('#order-submit').hidden");
    let handed = ("document.querySelector('#order-submit').click()", "!document.querySelector('#order-reject').hidden");
    let asked = ("document.querySelector('#order-reject').click()", "document.querySelector('#rejection').open");
    let refused = (
        "document.querySelector('[name=reason]').value = ' x '; document.querySelector('#reject-for-good').click()",
        is_rejected,
    );
    look_along(&format!("#orders/{rejected}"), &[("", is_rejected), again, handed, asked, refused]).await;
    look(
        "#workflows",
        "document.querySelectorAll('#step-list li').length === 20 && !document.querySelector('#no-workflows').hidden",
    )
    .await;
    let run = workflow_run(&service, &ordered).await;
    let is_done = "document.querySelector('#run-state').textContent === 'completed' \
                   && document.querySelector('#nodes img').naturalWidth === 32";
    let all = (
        "document.querySelector('#to-runs').click()",
        "!document.querySelector('#runs').hidden && document.querySelector('#run-list li')",
    );
    look_along(&format!("#workflows/runs/{run}"), &[("", is_done), all]).await;
    look("#notifications", "document.querySelector('#notifications-list .unread')").await;
    look("#activity", "document.querySelectorAll('#activity-list li').length > 3").await;
    look("#settings", "document.querySelectorAll('#preferences label').length > 4").await;
    let is_shown = "document.querySelector('#tiles img')?.naturalWidth > 0";
    let chosen = ("document.querySelector('#tiles input').click()", "!document.querySelector('#media-delete').hidden");
    let asked = ("document.querySelector('#media-delete').click()", "document.querySelector('#media-deletion').open");
    look_along("#media", &[("", is_shown), chosen, asked]).await;
    let first = ("document.querySelector('#offer-set-up').click()", "!document.querySelector('#set-up').hidden");
    let weak = (
        "for (const name of ['email', 'password']) document.querySelector(`#set-up-form [name=${name}]`).value = 'a@test'; \
         document.querySelector('#set-up-form [type=submit]').click()",
        "!document.querySelector('#set-up-error').hidden",
    );
    look_along("", &[("", "!document.querySelector('#offer-set-up').hidden"), first, weak]).await;

    let (code, password, stderr) =
        place.run(&["admin", "create-user", "--email", "anna@test", "--role", "global_admin"]);
    assert_eq!(code, 0, "{stderr}");
    until("a sign-in is needed", SOON, async || service.status("/api/v1/renders").await == 401).await;
    let wrong = (
        "for (const name of ['email', 'password']) document.querySelector(`#sign-in-form [name=${name}]`).value = 'a@test'; \
         for (const id of ['with-key', 'certain-company']) document.getElementById(id).open = true; \
         document.querySelector('#sign-in-form [type=submit]').click()",
        "!document.querySelector('#sign-in-error').hidden",
    );
    look_along("", &[("", "!document.querySelector('#sign-in').hidden"), wrong]).await;
    let temporary = format!(
        "document.querySelector('#sign-in-form [name=email]').value = 'anna@test'; \
         document.querySelector('#sign-in-form [name=password]').value = '{}'; \
         document.querySelector('#sign-in-form [type=submit]').click()",
        password.trim()
    );
    browser.run(&temporary).await;
    browser.until("!document.querySelector('#password').hidden").await;
    let is_asked = "!document.querySelector('#password').hidden && !document.querySelector('#account').hidden";
    look("", is_asked).await;
    let change = format!(
        "document.querySelector('#current-password').value = '{}'; \
         document.querySelector('#new-password').value = 'several words together'; \
         document.querySelector('#password-form [type=submit]').click()",
        password.trim()
    );
    browser.run(&change).await;
    browser.until("document.querySelector('#door').hidden").await;
    look("", "!document.querySelector('#account').hidden && document.querySelectorAll('#jobs li').length === 2").await;
}

/// Two orders: one that is completed with a line that failed, and one that was rejected. Their ids.
async fn orders(place: &Workplace, service: &Service) -> (String, String) {
    let tiny = json!({"width": 32, "height": 24, "samples": 4, "denoise": "off"});
    for (name, max_unmapped) in [("Front", None), ("Strict", Some(0))] {
        let new = json!({"name": name, "render_settings": tiny, "max_unmapped": max_unmapped});
        post(service, "/api/v1/output-types", new).await;
    }
    std::fs::create_dir(place.path("parts")).expect("made");
    std::fs::rename(place.path("boxes.glb"), place.path("parts/6204.glb")).expect("moved");
    let create =
        ["client", "order", "create", "--folder", "parts", "--output-type", "Front", "--output-type", "Strict"];
    let made = |more: &[&str]| {
        let (_, stdout, stderr) =
            place.run(&[&create[..], &["--json", "--submit", "--url", &service.url], more].concat());
        let order: serde_json::Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
        order["id"].as_str().expect("an id").to_owned()
    };
    let (ordered, rejected) = (made(&["--dispatch", "--watch"]), made(&[]));
    post(service, &format!("/api/orders/{rejected}/reject"), json!({"reason": "Wrong housing"})).await;
    (ordered, rejected)
}

/// A run of a workflow on the first line of an order. Its id.
async fn workflow_run(service: &Service, order: &str) -> String {
    let id = |of: &serde_json::Value| of["id"].as_str().expect("an id").to_owned();
    let order = http().get(format!("{}/api/orders/{order}", service.url)).send().await.expect("an answer");
    let line = id(&order.json::<serde_json::Value>().await.expect("JSON")["lines"][0]);
    let workflow = id(&post(service, "/api/workflows", json!({"name": "Still", "config": {"type": "still"}})).await);
    let dispatch = format!("/api/workflows/{workflow}/dispatch?context_id={line}");
    id(&post(service, &dispatch, json!({})).await["workflow_run"])
}

async fn post(service: &Service, path: &str, body: serde_json::Value) -> serde_json::Value {
    let sent = http().post(format!("{}{path}", service.url)).json(&body).send().await.expect("an answer");
    assert!(sent.status().is_success(), "{path}: {}", sent.status());
    sent.json().await.expect("JSON")
}
