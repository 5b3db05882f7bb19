//! The web page in Chromium: what a viewer sees of a job that another user submitted.

use packshot_contract::client::Submission;
use serde_json::json;

use crate::service::{SOON, Service, Workplace, http, submission, until};
use crate::webdriver::Browser;

/// The files in a folder, except unfinished downloads.
fn downloads(place: &Workplace) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(place.path("downloads")).expect("there");
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "png"))
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
    a_key_opens_the_page_and_a_refusal_is_said(&browser).await;
}

/// A service that leaves a processor to the browser.
fn start(place: &Workplace) -> Service {
    Service::spawn(place.command(&["serve", "--threads", "1"]).env("PACKSHOT_LISTEN", "127.0.0.1:0"))
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
        browser.screenshot(&format!("{name}-{width_px}")).await;
    }
    browser.resize(1400).await;
}

async fn a_job_is_followed_and_its_picture_downloaded(browser: &Browser, place: &Workplace) {
    let service = start(place);
    browser.open(&service.url).await;
    browser.until("document.querySelector('#connection').textContent === 'connected'").await;
    browser.until("!document.querySelector('#empty').hidden").await;
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
    browser.run("document.querySelector('[data-file$=\".png\"]').click()").await;
    until("the picture is downloaded", SOON, async || downloads(place).len() == 1).await;
    let result = service.client().job(id).await.expect("the job").result.expect("a result");
    let expected = service.client().fetch(&result.files[0]).await.expect("whole");
    assert_eq!(std::fs::read(&downloads(place)[0]).expect("readable"), &expected[..]);
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
    browser.run("document.querySelector('#delete').click()").await;
    browser.until("document.querySelectorAll('#jobs li').length === 1").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

async fn a_key_opens_the_page_and_a_refusal_is_said(browser: &Browser) {
    let place = Workplace::new();
    let service = start(&place);
    let (code, key, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    until("a key is needed", SOON, async || service.status("/api/v1/renders").await == 401).await;
    browser.prefer_colours("dark").await;
    browser.open(&service.url).await;
    browser.until("!document.querySelector('#key-form').hidden").await;
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
    // Put back into the queue, it is tried again, and fails again.
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

#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere() {
    let place = Workplace::new();
    let service = place.start();
    let answer = http().get(&service.url).send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for path in ["app.js", "job.js", "service.js", "text.js", "style.css", "icon.svg"] {
        assert_eq!(service.status(&format!("/{path}")).await, 200, "{path}");
    }
}
