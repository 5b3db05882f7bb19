//! Media on the page: found by words and facets, looked at, chosen, packed and deleted; a list of many is never read
//! as a whole.

use serde_json::json;

use super::caller::{Caller, id};
use super::{click, downloads, fits, start};
use crate::movies::turntable;
use crate::service::{SOON, Service, Workplace, boxes, until};
use crate::webdriver::Browser;

/// The pages that were asked for, in `window.asked`.
const RECORDS_PAGES: &str = "window.asked = []; const own = window.fetch; window.fetch = (path, options) => { \
                             const page = /media\\/assets\\?.*page=(\\d+)/.exec(path); \
                             if (page) window.asked.push(Number(page[1])); return own(path, options); }";

/// Waits until as many files are said to be there.
async fn until_count(browser: &Browser, words: &str) {
    browser.until(&format!("document.querySelector('#media-count').textContent === '{words}'")).await;
}

/// Downloads go to the folder that the browser was started with.
pub(super) async fn m11_media_are_found(browser: &Browser, downloaded: &Workplace) {
    let place = Workplace::new();
    let service = start(&place);
    browser.open("about:blank").await;
    browser.complaints().await;
    browser.open(&format!("{}/#media", service.url)).await;
    browser.until("!document.querySelector('#no-media').hidden").await;
    assert_eq!(browser.run("return document.title").await, "Media · Packshot");
    fits(browser, "media-empty").await;
    let n = upload(&service, 180).await;
    an_order_adds_its_pictures(&service).await;
    until_count(browser, &format!("{} files", n + 1)).await;
    browser.until("document.querySelector('#tiles img').naturalWidth > 0").await;
    fits(browser, "media").await;

    // Only what is around the window is read, wherever that is.
    browser.open("about:blank").await;
    browser.open(&format!("{}/#media", service.url)).await;
    browser.run(RECORDS_PAGES).await;
    browser.until("document.querySelectorAll('#tiles [data-id]').length > 4").await;
    assert_eq!(browser.run("return window.asked.some((page) => page > 4)").await, false);
    assert_eq!(browser.run("return document.querySelectorAll('#tiles li').length < 120").await, true);
    browser.run("window.scrollTo(0, document.body.scrollHeight)").await;
    let last =
        format!("document.querySelector('#tiles [data-id]:last-child')?.getAttribute('aria-posinset') === '{}'", n + 1);
    browser.until(&last).await;
    browser.run("window.scrollTo(0, 0)").await;

    // Words and facets narrow it down.
    let search = "const q = document.querySelector('#media-q'); q.value = '6204'; q.dispatchEvent(new Event('input'))";
    browser.run(search).await;
    until_count(browser, "1 file").await;
    click(browser, "#media-clear").await;
    until_count(browser, &format!("{} files", n + 1)).await;
    browser
        .until(
            "document.querySelector('[data-facet=\"asset_type\"] [data-value=\"still\"] .count').textContent === '1'",
        )
        .await;
    browser.run("document.querySelector('[data-facet=\"asset_type\"] [data-value=\"still\"] input').click()").await;
    until_count(browser, "1 file").await;
    let all = "return document.querySelector('[data-facet=\"asset_type\"] [data-value=\"upload\"] .count').textContent";
    assert_eq!(browser.run(all).await, n.to_string(), "a facet counts what it would show");

    // A picture opens large; chosen ones are packed, hidden and deleted.
    browser.until("document.querySelectorAll('#tiles [data-id]').length === 1").await;
    browser.run("document.querySelector('#tiles .look').click()").await;
    browser
        .until(
            "document.querySelector('#viewer').open && document.querySelector('#viewer-picture').naturalWidth === 64",
        )
        .await;
    browser
        .run("document.querySelector('#viewer-close').click(); document.querySelector('#tiles input').click()")
        .await;
    browser.until("document.querySelector('#media-chosen').textContent === '1 chosen'").await;
    fits(browser, "media-chosen").await;
    click(browser, "#media-zip").await;
    until("the archive is downloaded", SOON, async || downloads(downloaded, "zip").len() == 1).await;
    let archive = std::fs::File::open(downloads(downloaded, "zip").remove(0)).expect("there");
    let archive = zip::ZipArchive::new(archive).expect("an archive");
    let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
    assert_eq!(names, ["6204/result.png"]);
    click(browser, "#media-unpublish").await;
    browser.until("document.querySelector('#tiles .kind').textContent === 'still, unpublished'").await;
    click(browser, "#media-delete").await;
    browser.until("document.querySelector('#media-deletion').open").await;
    click(browser, "#media-delete-for-good").await;
    until_count(browser, "0 files").await;
    if cfg!(feature = "h264") {
        m31_a_movie_plays_from_its_middle(browser, &place, &service).await;
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// In the page's viewer, and at its own address.
async fn m31_a_movie_plays_from_its_middle(browser: &Browser, place: &Workplace, service: &Service) {
    turntable(place, "movie.mp4");
    let movie = std::fs::read(place.path("movie.mp4")).expect("written");
    let movie = Caller::open(service).upload("movie.mp4", movie).await;
    click(browser, "#media-clear").await;
    let tile = format!("#tiles [data-id=\"{}\"] .look", id(&movie));
    browser.until(&format!("document.querySelector('{tile}')")).await;
    browser.run(&format!("document.querySelector('{tile}').click()")).await;
    let plays = "const video = document.querySelector('video'); \
                 return new Promise((resolve) => { \
                     const told = () => resolve([video.videoWidth, video.duration, video.seekable.length && video.seekable.end(0), video.error]); \
                     if (video.readyState > 2) told(); else video.oncanplay = video.onerror = told; \
                 })";
    browser.until("document.querySelector('#viewer').open").await;
    assert_eq!(browser.run(plays).await, json!([96, 1.5, 1.5, null]));
    browser.until("document.querySelector('#viewer-picture').hidden").await;
    fits(browser, "movie").await;
    browser.run("document.querySelector('#viewer-close').click()").await;
    browser.until("!document.querySelector('#viewer').open").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    let address = movie["links"]["content"].as_str().expect("an address");
    browser.open(&format!("{}{address}#t=1", service.url)).await;
    assert_eq!(browser.run(plays).await, json!([96, 1.5, 1.5, null]));
    assert_eq!(browser.run("return document.querySelector('video').currentTime >= 1").await, true);
}

/// Sends pictures that differ, and says how many.
async fn upload(service: &Service, n: u32) -> u32 {
    let open = Caller::open(service);
    for at in 0..n {
        let mut picture = Vec::new();
        let mut encoder = png::Encoder::new(&mut picture, 2, 2);
        encoder.set_color(png::ColorType::Rgb);
        let pixel = at.to_le_bytes();
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(&pixel[..3].repeat(4)).expect("pixels");
        writer.finish().expect("a file");
        open.upload(&format!("upload-{at}.png"), picture).await;
    }
    n
}

async fn an_order_adds_its_pictures(service: &Service) {
    let open = Caller::open(service);
    let tiny = json!({"width": 64, "height": 48, "samples": 4, "denoise": "off"});
    let product = open.product("6204", boxes()).await;
    let front = open.output_type("Front", tiny, None).await;
    let order = open.order(&[(&product, &front)], json!({"order_number": "PO 4711"})).await;
    open.post(&format!("/api/orders/{}/submit", id(&order)), json!({})).await;
    open.post(&format!("/api/orders/{}/dispatch", id(&order)), json!({})).await;
}
