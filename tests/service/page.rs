//! The web page in Chromium: what a viewer sees of a job that another user submitted.

use packshot_contract::client::Submission;
use serde_json::json;

use crate::service::{SOON, Service, Workplace, http, submission, until};
use crate::webdriver::Browser;

mod caller;
mod media;
mod news;
mod orders;
mod reviews;
mod sign_in;
mod workflows;

/// Keys as WebDriver names them (section 17.4.2).
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";

/// From now on the service does not answer the page; `window.fetch = window.real` ends it.
const GOES_AWAY: &str = "window.real = window.fetch; window.fetch = () => Promise.reject(new TypeError('away'))";

/// From now on `window.refused` has the addresses of requests that were refused.
const RECORDS_REFUSALS: &str = "window.refused = []; const real = window.fetch; window.fetch = async (path, options) => { \
                                const answer = await real(path, options); \
                                if (answer.status >= 400) window.refused.push(path); return answer; }";

/// The files of a kind that were downloaded, except unfinished ones.
fn downloads(place: &Workplace, kind: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(place.path("downloads")).expect("there");
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == kind))
        .collect()
}

/// One browser for everything: starting one takes longer than all the tests in it.
#[tokio::test]
async fn the_page_in_a_browser() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("downloads")).expect("made");
    let Some(browser) = Browser::start(&place.path("downloads")).await else {
        println!("skipped: Chromium or chromedriver is not installed");
        return;
    };
    a_job_is_followed_and_its_picture_downloaded(&browser, &place).await;
    sign_in::people_come_and_go(&browser).await;
    a_key_opens_the_page_and_a_refusal_is_said(&browser).await;
    who_comes_and_goes_does_not_wait(&browser).await;
    orders::orders_are_followed_and_run(&browser).await;
    workflows::runs_are_followed(&browser).await;
    news::n28_people_are_told(&browser).await;
    media::m11_media_are_found(&browser, &place).await;
    reviews::f26_a_fix_is_parked_with_a_reason(&browser, &[]).await;
    if let Some(url) = crate::postgres::database().await {
        reviews::f26_a_fix_is_parked_with_a_reason(&browser, &["--database-url", &url]).await;
    }
}

/// A service that leaves a processor to the browser.
fn start(place: &Workplace) -> Service {
    start_with(place, &[])
}

/// Such a service with more arguments.
fn start_with(place: &Workplace, args: &[&str]) -> Service {
    let args = [&["serve", "--threads", "1"], args].concat();
    Service::spawn(place.command(&args).env("PACKSHOT_LISTEN", "127.0.0.1:0"))
}

/// Clicks a button, once what was begun with it before is answered.
async fn click(browser: &Browser, selector: &str) {
    browser.until(&format!("document.querySelector('{selector}')?.disabled === false")).await;
    browser.run(&format!("document.querySelector('{selector}').click()")).await;
}

/// Whether everything fits into the window, at the widths of a desktop, a tablet and a phone.
async fn fits(browser: &Browser, name: &str) {
    for width_px in [1400, 800, 390] {
        browser.resize(width_px).await;
        browser.until(&format!("innerWidth === {width_px}")).await;
        let script = "return [...document.querySelectorAll('body *')].filter((e) => e.offsetParent && !e.closest('.log, pre') \
            && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 99))";
        let beyond = browser.run(script).await;
        assert_eq!(beyond, json!([]), "{name} at {width_px} px");
        let is_within = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.run(is_within).await, true, "{name} at {width_px} px is not scrolled sideways");
        let script = "const parts = [...document.querySelectorAll('.bar h1, #device, #connection, #who, .bar button, .bar a')] \
            .map((e) => [e.textContent, e.getBoundingClientRect()]).filter(([, box]) => box.width); \
            return parts.flatMap(([text, a], i) => parts.slice(i + 1).filter(([, b]) => a.left < b.right && b.left < a.right \
                && a.top < b.bottom && b.top < a.bottom).map(([other]) => [text, other]))";
        assert_eq!(
            browser.run(script).await,
            json!([]),
            "{name} at {width_px} px: nothing in the header is over another"
        );
        browser.screenshot(&format!("{name}-{width_px}")).await;
    }
    browser.resize(1400).await;
}

async fn a_job_is_followed_and_its_picture_downloaded(browser: &Browser, place: &Workplace) {
    let service = start(place);
    browser.open(&service.url).await;
    browser.until("document.querySelector('#connection').textContent === 'connected'").await;
    browser.until("!document.querySelector('#empty').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Renders · Packshot");
    fits(browser, "empty").await;

    // The API reference is next to it, without a script.
    browser.open(&format!("{}/docs/", service.url)).await;
    browser.until("document.querySelectorAll('main article').length > 90 && !document.scripts.length").await;
    let broken = "return [...document.querySelectorAll('a[href^=\"#\"]')].filter((a) => !document.getElementById(a.hash.slice(1))) \
                  .map((a) => a.outerHTML)";
    assert_eq!(browser.run(broken).await, json!([]), "no link in the reference is broken");
    fits(browser, "reference").await;
    browser.open(&service.url).await;

    // Another user submits: the job appears without a reload, and its picture and its log are updated.
    let name = "boxes from elsewhere, with a name that is as long as those of a warehouse_and-has_no-spaces_in-its_second-half";
    let request = json!({ "width": 320, "height": 240, "samples": 65536, "noise_threshold": 0, "max_time_s": 3,
                          "metadata": { "name": name } });
    let file = format!("{}.glb", "bearing-6204_".repeat(15));
    let submission = Submission { name: Some(file.clone()), ..submission(&request) };
    let id = service.client().submit(&submission).await.expect("accepted").id;
    browser.until(&format!("document.querySelector('[data-id=\"{id}\"]')")).await;
    browser.run(&format!("document.querySelector('[data-id=\"{id}\"] button').click()")).await;
    browser.until(&format!("document.querySelector('#job-name').textContent === '{name}'")).await;
    browser.until(&format!("document.querySelector('#job-file').textContent === '{file}'")).await;
    browser.until(&format!("document.querySelector('[data-id=\"{id}\"]').textContent.includes('{file}')")).await;
    browser.until("document.querySelector('#picture').naturalWidth === 320").await;
    let first = browser.run("return document.querySelector('#picture').src").await;
    browser.until(&format!("document.querySelector('#picture').src !== {first}")).await;
    browser.until("document.querySelector('#log').childElementCount > 2").await;
    browser.screenshot("running").await;
    browser.until("document.querySelector('#job-state').textContent === 'completed'").await;
    browser.until("document.querySelector('#caption').textContent === '320 × 240'").await;
    browser.until("document.querySelectorAll('#steps tr').length > 1").await;
    browser.until(&format!("document.querySelector('#announcement').textContent === '{name} is complete.'")).await;
    assert_eq!(browser.run("return document.title").await, format!("{name} · Packshot"));
    let of_a_line =
        "return document.querySelector('#log').clientHeight % document.querySelector('#log li').clientHeight";
    browser
        .run(
            "document.querySelector('#log').prepend(Object.assign(document.createElement('li'), { textContent: '-' }))",
        )
        .await;
    assert_eq!(browser.run(of_a_line).await, 0, "no line of the log is cut");
    browser.run("document.querySelector('[data-file$=\".png\"]').click()").await;
    until("the picture is downloaded", SOON, async || downloads(place, "png").len() == 1).await;
    let result = service.client().job(id).await.expect("the job").result.expect("a result");
    let expected = service.client().fetch(&result.files[0]).await.expect("whole");
    let downloaded = downloads(place, "png").remove(0);
    assert_eq!(std::fs::read(&downloaded).expect("readable"), &expected[..]);
    assert_eq!(downloaded.file_stem(), std::path::Path::new(&file).file_stem(), "it is named after the product");
    fits(browser, "completed").await;

    // The same by hand: a file, a click, and one more click to cancel it.
    browser.choose_file("#file", &place.path("boxes.glb")).await;
    browser
        .run("document.querySelector('[name=samples]').value = 65536; document.querySelector('#render').click()")
        .await;
    browser.until("document.querySelector('#job-name').textContent === 'boxes.glb'").await;
    browser.until("document.querySelector('#job-file').textContent === ''").await;
    browser.until("document.querySelector('#jobs li strong').textContent === 'boxes.glb'").await;
    browser.until("document.querySelector('#job-state').textContent === 'running'").await;
    browser.run("document.querySelector('#cancel').click()").await;
    browser.until("document.querySelector('#job-state').textContent === 'cancelled'").await;
    browser.screenshot("cancelled").await;
    browser.until("document.querySelector('#announcement').textContent === 'boxes.glb was cancelled.'").await;

    // Only who says so twice deletes it. The focus goes back, or to the next render.
    browser.run("document.querySelector('#delete').focus()").await;
    browser.type_keys(ENTER).await;
    browser.until("document.activeElement === document.querySelector('#keep')").await;
    fits(browser, "deletion").await;
    browser.type_keys(ESCAPE).await;
    browser.until("document.activeElement === document.querySelector('#delete')").await;
    assert_eq!(browser.run("return document.querySelectorAll('#jobs li').length").await, 2);
    browser.type_keys(ENTER).await;
    browser.until("document.querySelector('#deletion').open").await;
    browser.run("document.querySelector('#delete-for-good').click()").await;
    browser.until("document.querySelectorAll('#jobs li').length === 1").await;
    browser.until("document.activeElement === document.querySelector('#jobs button')").await;
    browser.until("document.title === 'Renders · Packshot'").await;

    // What went wrong is shown as long as it is so.
    browser.run(GOES_AWAY).await;
    browser
        .until("document.querySelector('#notice').textContent === 'The service does not answer. Trying again…'")
        .await;
    browser.until("document.querySelector('#connection').textContent === 'not connected'").await;
    browser.run("window.fetch = window.real").await;
    browser.until("document.querySelector('#notice').hidden").await;
    browser.until("document.querySelector('#connection').textContent === 'connected'").await;
    // On a busy machine a render may be done before its last preview is asked for.
    let is_gone = |complaint: &String| complaint.contains("/preview.png") && complaint.contains("404");
    let complaints = browser.complaints().await;
    assert_eq!(complaints.iter().filter(|complaint| !is_gone(complaint)).collect::<Vec<_>>(), Vec::<&String>::new());
}

async fn a_key_opens_the_page_and_a_refusal_is_said(browser: &Browser) {
    let place = Workplace::new();
    let service = start(&place);
    let (code, key, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    until("a key is needed", SOON, async || service.status("/api/v1/renders").await == 401).await;
    browser.prefer_colours("dark").await;
    browser.open(&service.url).await;
    browser.until("!document.querySelector('#door').hidden && !document.querySelector('#sign-in').hidden").await;
    browser.run("document.querySelector('#with-key').open = true").await;
    fits(browser, "locked").await;
    let script = format!(
        "document.querySelector('#key').value = {:?}; document.querySelector('#key-form button').click()",
        key.trim()
    );
    browser.run(&script).await;
    browser.until("document.querySelector('#connection').textContent === 'connected'").await;
    std::fs::write(place.path("broken.glb"), b"glTF\x02\0\0\0").expect("written");
    browser.choose_file("#file", &place.path("broken.glb")).await;
    browser.run("document.querySelector('#render').click()").await;
    browser.until("document.querySelector('#job-state').textContent === 'failed'").await;
    browser.until("document.querySelector('#job-error').textContent.includes('glb.')").await;
    fits(browser, "failed").await;
    let shown =
        "return [...document.querySelectorAll('#actions button')].filter((b) => b.offsetParent).map((b) => b.id)";
    assert_eq!(browser.run(shown).await, json!(["delete"]), "trying again would not help");
    // Had it failed for a passing reason, it could be put back into the queue: it is tried again, and fails again.
    let as_if_stalled = "const real = window.fetch; window.fetch = async (path, options) => { \
                             const answer = await real(path, options); \
                             if (!/renders.[^/?]+$/.test(path)) return answer; \
                             const job = await answer.json(); \
                             if (job.error) job.error.code = 'stalled'; \
                             return new Response(JSON.stringify(job), { status: answer.status }); \
                         }; const { hash } = location; location.hash = ''; setTimeout(() => { location.hash = hash; })";
    browser.run(as_if_stalled).await;
    browser.until("document.querySelector('#job-error').textContent.includes('(stalled)')").await;
    assert_eq!(browser.run(shown).await, json!(["requeue", "delete"]));
    browser.run("document.querySelector('#requeue').click()").await;
    let client = service.client_with(key.trim());
    let id = client.jobs(1, None).await.expect("a page").items[0].id;
    let n_failures = async || {
        let mut events = client.events(id).from_the_start();
        let mut n = 0;
        while let Some(event) = events.next().await.expect("a sound stream") {
            n += usize::from(event.name == "job.failed");
        }
        n
    };
    until("it is tried again", SOON, async || n_failures().await == 2).await;
    browser.until("document.querySelector('#job-state').textContent === 'failed'").await;
    browser.run("document.querySelector('[name=width]').value = 16384; document.querySelector('[name=height]').value = 16384").await;
    browser.run("document.querySelector('#render').click()").await;
    browser.until("document.querySelector('#notice').textContent.includes('pixels')").await;
    fits(browser, "refused").await;
}

/// The browser keeps pages that were left, and opens six connections to one address.
async fn who_comes_and_goes_does_not_wait(browser: &Browser) {
    let place = Workplace::new();
    let service = start(&place);
    for _ in 0..8 {
        let shown = async {
            browser.open("about:blank").await;
            browser.open(&format!("{}/#orders", service.url)).await;
            browser.until("!document.querySelector('#no-orders').hidden").await;
        };
        tokio::time::timeout(SOON / 3, shown).await.expect("nothing waits for connections of pages that were left");
    }
}

#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere() {
    let place = Workplace::new();
    let service = place.start();
    let answer = http().get(&service.url).send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let scripts = [
        "account.js",
        "app.js",
        "credentials.js",
        "door.js",
        "files.js",
        "http.js",
        "job.js",
        "lines.js",
        "listing.js",
        "names.js",
        "nodes.js",
        "notice.js",
        "order.js",
        "orders.js",
        "pictures.js",
        "run.js",
        "screen.js",
        "service.js",
        "steps.js",
        "text.js",
        "workflows.js",
    ];
    for path in scripts.into_iter().chain(["style.css", "icon.svg"]) {
        assert_eq!(service.status(&format!("/{path}")).await, 200, "{path}");
    }
}
