//! A25, A26: paths of files in packages.

use packshot_domain::access::{Role, Scope};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Remote, p, problem};
use crate::app::TestApp;

const WRITE: [Scope; 2] = [Scope::ArtifactsRead, Scope::ArtifactsWrite];

/// Puts a file with the path as it is written here: clients resolve `..` before they send. Returns status and code.
async fn put_raw(app: &TestApp, key: &str, path: &str) -> (u16, String) {
    let host = app.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.expect("connected");
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: text/plain\r\n\
         content-length: 3\r\nconnection: close\r\n\r\none"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let answer = String::from_utf8(answer).expect("text");
    let status = answer.split_whitespace().nth(1).expect("a status").parse().expect("a number");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let code = serde_json::from_str::<Value>(body).ok().and_then(|body| Some(body["code"].as_str()?.to_owned()));
    (status, code.unwrap_or_default())
}

sites! {
    async fn a25_paths_that_no_archive_can_have_are_refused(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        let before = site.stored(&app).await;
        let long_path = ["x".repeat(255), "y".repeat(255), "z".repeat(255), "v".repeat(257)].join("/");
        assert_eq!(long_path.len(), 1_025);
        for path in [
            "..%2f..%2fetc%2fpasswd",
            "../../etc/passwd",
            "%2e%2e/x",
            "./x",
            "x/.",
            "/x",
            "%2fx",
            "C:%5cx",
            "C:/x",
            "a%5cb",
            "a//b",
            "a/",
            "a%2f",
            "nul.txt",
            "x/COM1",
            "a%0ab",
            "a%00b",
            "a./b",
            "a%20/b",
            ".packshot/manifest.cbor",
            "a%ff",
            &long_path,
            &"x".repeat(256),
        ] {
            let refused = put_raw(&app, &key, &package.path(&format!("/files/{path}"))).await;
            assert_eq!(refused, problem(422, "invalid_relative_path"), "{path}");
        }
        for name in ["../x", "C:\\x", "a//b", "nul.txt", "a\nb", ".packshot/x"] {
            let refused = package.add("a.txt", b"one", &[("relative_path", name)]).await;
            assert_eq!(refused.problem(), problem(422, "invalid_relative_path"), "{name:?}");
            assert_eq!(refused.pointers(), ["/relative_path"]);
        }
        assert_eq!(site.stored(&app).await, before, "no file anywhere");
        for path in ["%2ex", "a%2fb", "con1", "%41.txt"] {
            assert_eq!(put_raw(&app, &key, &package.path(&format!("/files/{path}"))).await.0, 201, "{path}");
        }
        assert_eq!(package.files().await.into_keys().collect::<Vec<_>>(), [".x", "A.txt", "a/b", "con1"]);
    }

    async fn a26_equal_paths_are_duplicates(site) {
        let app = site.idle().await;
        let (_, key) = app.tenant_key("alpha", Role::ProjectManager, &WRITE).await;
        let package = Remote::make(&app, &key, &p()).await;
        for (first, duplicate) in [("Ä.png", "A\u{308}.png"), ("a.txt", "A.TXT"), ("a", "a/z"), ("b/c/d", "b"), ("e/f", "E")] {
            assert_eq!(package.put(first, b"one").await.status, 201, "{first}");
            let refused = package.put(duplicate, b"two").await;
            assert_eq!(refused.problem(), problem(409, "duplicate_relative_path"), "{duplicate}");
        }
        let again = package.put("A\u{308}.png", b"one").await;
        assert_eq!((again.status, again.json()["relative_path"].as_str()), (200, Some("\u{c4}.png")), "it is stored in NFC");
    }
}
