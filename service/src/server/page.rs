//! The web page at `/`: embedded files, served with a policy that lets them load nothing from anywhere else.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;

/// Scripts, styles and requests of this origin only; pictures and movies also from memory, where fetched ones are kept.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, kind and content of every file of the page.
const FILES: [(&str, &str, &str); 32] = [
    ("/", HTML, include_str!("../../page/index.html")),
    ("/style.css", STYLE, include_str!("../../page/style.css")),
    ("/reference.css", STYLE, include_str!("../../page/reference.css")),
    ("/icon.svg", SVG, include_str!("../../page/icon.svg")),
    ("/account.js", SCRIPT, include_str!("../../page/account.js")),
    ("/app.js", SCRIPT, include_str!("../../page/app.js")),
    ("/bell.js", SCRIPT, include_str!("../../page/bell.js")),
    ("/compared.js", SCRIPT, include_str!("../../page/compared.js")),
    ("/credentials.js", SCRIPT, include_str!("../../page/credentials.js")),
    ("/door.js", SCRIPT, include_str!("../../page/door.js")),
    ("/files.js", SCRIPT, include_str!("../../page/files.js")),
    ("/http.js", SCRIPT, include_str!("../../page/http.js")),
    ("/job.js", SCRIPT, include_str!("../../page/job.js")),
    ("/lines.js", SCRIPT, include_str!("../../page/lines.js")),
    ("/listing.js", SCRIPT, include_str!("../../page/listing.js")),
    ("/media.js", SCRIPT, include_str!("../../page/media.js")),
    ("/names.js", SCRIPT, include_str!("../../page/names.js")),
    ("/news.js", SCRIPT, include_str!("../../page/news.js")),
    ("/nodes.js", SCRIPT, include_str!("../../page/nodes.js")),
    ("/notice.js", SCRIPT, include_str!("../../page/notice.js")),
    ("/order.js", SCRIPT, include_str!("../../page/order.js")),
    ("/orders.js", SCRIPT, include_str!("../../page/orders.js")),
    ("/pictures.js", SCRIPT, include_str!("../../page/pictures.js")),
    ("/reviews.js", SCRIPT, include_str!("../../page/reviews.js")),
    ("/run.js", SCRIPT, include_str!("../../page/run.js")),
    ("/screen.js", SCRIPT, include_str!("../../page/screen.js")),
    ("/service.js", SCRIPT, include_str!("../../page/service.js")),
    ("/settings.js", SCRIPT, include_str!("../../page/settings.js")),
    ("/steps.js", SCRIPT, include_str!("../../page/steps.js")),
    ("/text.js", SCRIPT, include_str!("../../page/text.js")),
    ("/tiles.js", SCRIPT, include_str!("../../page/tiles.js")),
    ("/workflows.js", SCRIPT, include_str!("../../page/workflows.js")),
];

/// Routes of the page. They are open: what the page shows it gets from the API, with a key or a token of its user.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, (path, kind, text)| router.route(path, get(move || answer(kind, text))))
}

/// Another page of the same origin, under the same policy.
pub fn of_text(text: Bytes) -> impl IntoResponse {
    confined(HTML, text)
}

async fn answer(kind: &'static str, text: &'static str) -> impl IntoResponse {
    confined(kind, text)
}

fn confined<B: IntoResponse>(kind: &'static str, body: B) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // A new version of the service brings a new page.
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_loads_only_what_is_there() {
        let paths: Vec<&str> = FILES.iter().map(|(path, ..)| path.trim_start_matches('/')).collect();
        for (path, _, text) in FILES {
            assert!(!text.contains("https://") && !text.contains("innerHTML"), "{path}");
            assert!(!text.contains(" style=\"") && !text.contains("onclick"), "{path}: the policy refuses it");
            for mark in ["src=\"", "href=\"", "from \"./"] {
                for target in text.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
                    let is_here = paths.contains(&target) || target == "docs/" || target.starts_with('#');
                    assert!(is_here, "{path} refers to {target}");
                }
            }
        }
    }
}
