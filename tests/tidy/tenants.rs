//! Who may touch the rows of more than one tenant (tenancy.md §6): every place is listed, with how often it does.

use std::collections::BTreeMap;

use crate::tree::{File, below, expect_none, files};

/// Every use of `AllTenants` outside of tests: the file, the reason, and how many there are.
const ALL_TENANTS: &[(&str, &str, usize)] = &[
    ("service/db/src/installation.rs", "Instance", 3),
    ("service/db/src/settings.rs", "Instance", 2),
    ("service/db/src/tenants.rs", "Instance", 1),
    ("service/db/src/users.rs", "Instance", 2),
    ("service/src/admin/keys.rs", "Instance", 1),
    ("service/src/admin/users.rs", "Instance", 5),
    ("service/src/artifacts.rs", "Instance", 1),
    ("service/src/channels/announcements.rs", "Housekeeping", 1),
    ("service/src/channels/announcements.rs", "Instance", 1),
    ("service/src/chores.rs", "Housekeeping", 1),
    ("service/src/chores.rs", "Instance", 1),
    ("service/src/designs/checking.rs", "Housekeeping", 2),
    ("service/src/executors.rs", "Housekeeping", 1),
    ("service/src/instance.rs", "Instance", 1),
    ("service/src/instance/bus.rs", "Housekeeping", 1),
    ("service/src/instance/watch.rs", "Housekeeping", 6),
    ("service/src/instance/worker_configs.rs", "Instance", 3),
    ("service/src/jobs/recovery.rs", "Housekeeping", 4),
    ("service/src/jobs/runner.rs", "Claiming", 1),
    ("service/src/jobs/runner.rs", "Instance", 1),
    ("service/src/libraries/proposals.rs", "Instance", 1),
    ("service/src/media/downloads.rs", "Authentication", 1),
    ("service/src/products/stuck.rs", "Housekeeping", 2),
    ("service/src/renders/finished.rs", "Housekeeping", 1),
    ("service/src/renders/of_design.rs", "Housekeeping", 2),
    ("service/src/server/housekeeping.rs", "Housekeeping", 10),
    ("service/src/server/identity.rs", "Instance", 4),
    ("service/src/server/purge.rs", "Housekeeping", 3),
    ("service/src/server/setup.rs", "Instance", 4),
    ("service/src/settings.rs", "Instance", 1),
    ("service/src/tenancy/authentication.rs", "Authentication", 9),
    ("service/src/tenancy/bypass.rs", "Authentication", 1),
    ("service/src/tenancy/setup.rs", "Authentication", 1),
    ("service/src/tenancy/setup.rs", "Instance", 2),
    ("service/src/tenancy/sign_in.rs", "Authentication", 4),
    ("service/src/tenancy/tenant_config.rs", "Instance", 2),
    ("service/src/tenancy/tenants.rs", "Instance", 8),
];

/// Where the rows of all tenants are listed without `X-Tenant-ID: *`: by the command, on the machine itself.
const LISTED_FOR_ALL: &[(&str, usize)] = &[("service/src/admin/keys.rs", 1)];

/// The sources of the service that are not tests.
fn sources(files: &[File]) -> Vec<&File> {
    below(files, "service/").into_iter().filter(|file| file.is("rs") && !file.is_test()).collect()
}

/// The words that follow a text in the code of a file.
fn after<'f>(file: &'f File, text: &'static str) -> impl Iterator<Item = &'f str> {
    let code = file.lines().map(|(_, line)| line.split("//").next().unwrap_or_default());
    let rest = code.flat_map(move |line| line.split(text).skip(1));
    rest.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
}

#[test]
fn every_use_of_all_tenants_is_listed() {
    let files = files();
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    for file in sources(&files) {
        for reason in after(file, "AllTenants::") {
            *found.entry((file.path.clone(), reason.to_owned())).or_default() += 1;
        }
    }
    let listed = ALL_TENANTS.iter().map(|(path, reason, n)| (((*path).to_owned(), (*reason).to_owned()), *n));
    let listed: BTreeMap<(String, String), usize> = listed.collect();
    assert_eq!(found, listed, "found, and listed");
    let scope = files.iter().find(|file| file.path == "service/db/src/scope.rs").expect("the scopes");
    let (_, reasons) = scope.text.split_once("pub enum AllTenants {").expect("the reasons");
    let reasons = reasons.split('}').next().unwrap_or_default().lines().map(str::trim);
    let reasons: Vec<&str> = reasons.filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
    assert_eq!(reasons, ["Authentication,", "Claiming,", "Housekeeping,", "Instance,"]);
}

/// A list shows the rows of all tenants when its reader asked for them, and so has them from its reader.
#[test]
fn the_rows_of_all_tenants_are_listed_on_request() {
    let files = files();
    let named = sources(&files).into_iter().filter(|file| file.path != "service/db/src/scope.rs").map(|file| {
        let n = after(file, "ReadScope::").filter(|word| *word == "All").count();
        // A query that differs between the two has to name both.
        let n_matched = file.text.matches("ReadScope::All =>").count();
        (file.path.as_str(), n - n_matched)
    });
    let named: Vec<(&str, usize)> = named.filter(|(_, n)| *n > 0).collect();
    assert_eq!(named, LISTED_FOR_ALL, "found, and listed");
    let rows = sources(&files).into_iter().filter(|file| after(file, "Rows::OfAll }").next().is_some());
    assert_eq!(rows.map(|file| file.path.as_str()).collect::<Vec<_>>(), ["service/src/api/auth.rs"]);
}

/// List queries, and nothing else, take a `ReadScope`.
#[test]
fn only_lists_read_for_all_tenants() {
    let files = files();
    let broken = below(&files, "service/db/src/").into_iter().flat_map(|file| {
        let functions = file.text.split("pub async fn ").skip(1);
        let signatures = functions.filter_map(|rest| rest.split_once('(').zip(rest.split_once(" {\n")));
        let taking = signatures.filter(|(_, (head, _))| head.contains("Into<ReadScope>"));
        let names = taking.map(|((name, _), _)| name).filter(|name| *name != "list");
        names.map(|name| format!("{}: {name}", file.path)).collect::<Vec<_>>()
    });
    expect_none("queries that are no lists", broken);
}
