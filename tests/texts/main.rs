//! Every error code with a text that Packshot really gives, side by side in `docs/errors.md`, and its way out.
//!
//! The texts are made here, by commands that go wrong, by requests that are refused, and by errors that are made
//! because nothing on a sound machine provokes them. A code of the sources without a text fails the test, and so does a
//! text that differs from the page. `UPDATE_TEXTS=1 cargo test --test texts` writes the page.

mod codes;
#[path = "../surroundings/command.rs"]
mod command;
mod commands;
mod designs;
mod files;
mod findings;
#[path = "../cli/package.rs"]
mod package;
mod page;
#[path = "../cli/product.rs"]
mod product;
mod requests;
mod sources;
mod values;
mod written;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What a user reads of something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) code: String,
    /// The exit code, the status of an answer, or the severity of a finding.
    pub(crate) ends_with: String,
    pub(crate) message: String,
    /// Empty where there is no place.
    pub(crate) at: String,
    /// The way out; empty where the message says it all.
    pub(crate) help: String,
}

impl Text {
    /// Whether it is something that a render goes on with.
    pub(crate) fn is_finding(&self) -> bool {
        ["info", "warning", "error"].contains(&self.ends_with.as_str())
    }
}

/// Texts by code: the first of each counts.
pub(crate) type Texts = BTreeMap<String, Text>;

/// The command in a folder, on the processor, with nothing of the caller's settings.
pub(crate) fn packshot(folder: &Path) -> Command {
    let mut command = command::packshot(folder);
    // No driver and no denoiser of this machine: texts are the same everywhere.
    command.env("VK_DRIVER_FILES", "/gone.json").env("VK_ICD_FILENAMES", "/gone.json").env("PACKSHOT_OIDN", "gone.so");
    command
}

fn add(texts: &mut Texts, more: impl IntoIterator<Item = Text>) {
    for text in more {
        texts.entry(text.code.clone()).or_insert(text);
    }
}

#[tokio::test]
async fn every_error_code_has_its_text_and_its_way_out_on_the_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    files::write(folder.path());
    let mut texts = Texts::new();
    add(&mut texts, commands::texts(folder.path()));
    add(&mut texts, findings::texts(folder.path()));
    add(&mut texts, values::texts());
    add(&mut texts, requests::texts(folder.path()).await);
    let sources = sources::all();
    let written = written::all(&sources);
    let provoked: Vec<&str> =
        written.iter().map(|text| text.code.as_str()).filter(|code| texts.contains_key(*code)).collect();
    assert!(provoked.is_empty(), "provoked, and written too: {provoked:?}");
    add(&mut texts, written);

    let missing: Vec<String> = codes::of(&sources).into_iter().filter(|code| !texts.contains_key(code)).collect();
    assert!(missing.is_empty(), "{} codes without a text: {missing:#?}", missing.len());
    let dead_ends = texts.values().filter(|text| text.help.is_empty() && !codes::needs_no_help(text));
    let dead_ends: Vec<&Text> = dead_ends.collect();
    assert!(dead_ends.is_empty(), "errors without a way out: {dead_ends:#?}");

    let page = page::of(&texts);
    let path = sources::root().join("docs/errors.md");
    if std::env::var_os("UPDATE_TEXTS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &page).expect("written");
    }
    expect_page(&path, &page);
}

/// Fails with the lines that differ.
fn expect_page(path: &Path, page: &str) {
    let there = std::fs::read_to_string(path).unwrap_or_default();
    let differing = page.lines().filter(|line| !there.lines().any(|other| other == *line));
    let gone = there.lines().filter(|line| !page.lines().any(|other| other == *line));
    let lines: Vec<String> =
        gone.map(|line| format!("- {line}")).chain(differing.map(|line| format!("+ {line}"))).collect();
    assert!(there == page, "docs/errors.md is not up to date (UPDATE_TEXTS=1 writes it):\n{}", lines.join("\n"));
}
