//! A01–A13, A16, A19, A22, A25–A31, A41–A43, A50–A52, A56, A57: packages that clients make, over HTTP.

mod bytes;
mod files;
mod paths;
mod record;
mod retention;
mod whole;

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, id};

/// A problem, as [`Reply::problem`] says it.
fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The package p of the contract's fixture.
fn p() -> Value {
    json!({"name": "p", "producer": "prod", "subject": "sub", "retention_class": "raw-evidence"})
}

/// `hello world` a hundred times.
fn hello() -> Vec<u8> {
    b"hello world".repeat(100)
}

/// A package over HTTP.
struct Remote<'a> {
    guest: Guest<'a>,
    id: String,
}

impl<'a> Remote<'a> {
    /// A new package of whoever the app is.
    async fn make(app: &'a TestApp, key: &str, body: &Value) -> Self {
        let guest = app.with_key(key);
        let reply = guest.send(Method::POST, "/api/v1/packages", body).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let id = id(&reply.json());
        assert_eq!(reply.header("location"), Some(format!("/api/v1/packages/{id}").as_str()));
        Self { guest, id }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/packages/{}{rest}", self.id)
    }

    async fn record(&self) -> Value {
        self.guest.get(&self.path("")).await.json()
    }

    /// Puts a text file at a path.
    async fn put(&self, path: &str, bytes: &[u8]) -> Reply {
        self.put_as(path, bytes, &[("content-type", "text/plain")]).await
    }

    async fn put_as(&self, path: &str, bytes: &[u8], headers: &[(&str, &str)]) -> Reply {
        let request = self.guest.request(Method::PUT, &self.path(&format!("/files/{path}"))).body(bytes.to_vec());
        Reply::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Sends a file in a form.
    async fn add(&self, name: &str, bytes: &[u8], texts: &[(&'static str, &str)]) -> Reply {
        let file = Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        let file = file.mime_str("text/plain").expect("a media type");
        let form = texts
            .iter()
            .fold(Form::new().part("file", file), |form, (name, text)| form.text(*name, (*text).to_owned()));
        Reply::of(self.guest.request(Method::POST, &self.path("/files")).multipart(form)).await
    }

    async fn finalize(&self) -> Reply {
        self.guest.post(&self.path("/finalize")).await
    }

    /// The paths of its files with their ids.
    async fn files(&self) -> BTreeMap<String, String> {
        let page = self.guest.get(&self.path("/files?limit=200")).await.json();
        let items = page["items"].as_array().expect("a list").iter();
        items.map(|file| (file["relative_path"].as_str().expect("a path").to_owned(), id(file))).collect()
    }

    /// The types of its events, in their order.
    async fn events(&self) -> Vec<String> {
        let page = self.guest.get(&format!("/api/v1/artifact-events?package_id={}", self.id)).await.json();
        let items = page["items"].as_array().expect("a list").iter();
        items.map(|event| event["event_type"].as_str().expect("a type").to_owned()).collect()
    }
}
