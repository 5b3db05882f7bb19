//! Which module of the service may use which.

use std::collections::BTreeSet;

use crate::tree::{File, below, expect_none, files};

/// Every module of `service/src`, and the parts of the service that it may use: other modules, and crates below
/// `service/`. Arrows point down the table, except from the modules that start the service and take counts.
const MAY_USE: &[(&str, &[&str])] = &[
    ("admin", &["chores", "config", "contract", "credentials", "db", "domain", "server", "settings", "store"]),
    (
        "server",
        &[
            "api",
            "app",
            "chores",
            "config",
            "credentials",
            "db",
            "designs",
            "domain",
            "events",
            "executors",
            "instance",
            "jobs",
            "products",
            "renders",
            "settings",
            "store",
            "webhooks",
            "worker",
            "workflow",
        ],
    ),
    ("executors", &["config", "db", "domain", "jobs", "objects", "programs", "renders", "settings", "store", "worker"]),
    (
        "api",
        &[
            "app",
            "artifacts",
            "channels",
            "chores",
            "contract",
            "designs",
            "domain",
            "help",
            "idempotency",
            "instance",
            "libraries",
            "media",
            "orders",
            "packages",
            "products",
            "renders",
            "reviews",
            "server",
            "streams",
            "tasks",
            "tenancy",
            "webhooks",
            "workflow",
        ],
    ),
    (
        "renders",
        &[
            "app",
            "config",
            "contract",
            "db",
            "domain",
            "events",
            "idempotency",
            "jobs",
            "libraries",
            "objects",
            "packages",
            "server",
            "settings",
            "store",
            "tenancy",
            "worker",
        ],
    ),
    (
        "designs",
        &[
            "app",
            "config",
            "contract",
            "db",
            "domain",
            "jobs",
            "libraries",
            "objects",
            "packages",
            "renders",
            "settings",
            "store",
            "tenancy",
            "worker",
        ],
    ),
    ("artifacts", &["app", "contract", "db", "domain", "packages"]),
    ("packages", &["app", "contract", "db", "domain", "objects", "store"]),
    ("channels", &["app", "contract", "db", "domain"]),
    ("webhooks", &["app", "config", "contract", "db", "domain", "jobs", "settings", "worker"]),
    ("media", &["app", "contract", "db", "domain", "objects", "packages", "tenancy"]),
    ("reviews", &["app", "contract", "db", "designs", "domain", "libraries", "orders", "renders", "tenancy"]),
    ("orders", &["app", "contract", "db", "domain", "products", "renders", "tenancy", "worker", "workflow"]),
    (
        "workflow",
        &[
            "app",
            "config",
            "contract",
            "db",
            "domain",
            "jobs",
            "libraries",
            "objects",
            "products",
            "renders",
            "settings",
            "store",
            "tenancy",
            "worker",
        ],
    ),
    (
        "products",
        &[
            "app",
            "config",
            "contract",
            "db",
            "domain",
            "jobs",
            "libraries",
            "objects",
            "packages",
            "programs",
            "renders",
            "settings",
            "store",
            "tasks",
            "tenancy",
            "worker",
        ],
    ),
    ("programs", &["app", "domain", "jobs", "objects", "store", "worker"]),
    ("help", &["app", "chores", "contract", "products", "settings", "tasks", "tenancy"]),
    (
        "chores",
        &["app", "config", "contract", "db", "domain", "jobs", "objects", "settings", "store", "tasks", "worker"],
    ),
    ("tasks", &["app", "contract", "db", "domain"]),
    ("streams", &["app", "channels", "contract", "db", "domain", "events", "settings", "tenancy"]),
    ("libraries", &["app", "config", "contract", "db", "domain", "objects", "store", "tenancy", "worker"]),
    ("instance", &["app", "config", "contract", "db", "domain", "libraries", "server", "settings", "store", "worker"]),
    ("tenancy", &["app", "config", "contract", "credentials", "db", "domain", "settings"]),
    ("idempotency", &["app", "db", "domain"]),
    ("credentials", &["contract", "domain"]),
    (
        "app",
        &[
            "config",
            "contract",
            "credentials",
            "db",
            "domain",
            "events",
            "jobs",
            "objects",
            "settings",
            "store",
            "worker",
        ],
    ),
    ("jobs", &["config", "contract", "db", "domain", "server", "settings", "worker"]),
    ("settings", &["config", "db", "domain"]),
    ("objects", &["db", "domain", "store"]),
    ("store", &["domain"]),
    ("events", &["domain"]),
    ("config", &["domain"]),
];

/// The module of `service/src` that a file belongs to; `None` for the root of the crate.
fn module_of(file: &File) -> Option<&str> {
    let path = file.path.strip_prefix("service/src/")?;
    let module = path.split('/').next()?.trim_end_matches(".rs");
    (module != "lib").then_some(module)
}

/// The modules and crates that a line of code names.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    let after = |prefix: &'static str| code.split(prefix).skip(1);
    let names = after("crate::").chain(after("packshot_"));
    names.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
}

#[test]
fn modules_of_the_service_use_what_they_may() {
    let files = files();
    let sources: Vec<&File> = below(&files, "service/src/").into_iter().filter(|file| file.is("rs")).collect();
    let modules: BTreeSet<&str> = sources.iter().filter_map(|file| module_of(file)).collect();
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();
    assert_eq!(modules, listed, "every module has its line, and every line its module");
    let crates = ["contract", "db", "domain", "worker"];
    crates.iter().for_each(|name| drop(below(&files, &format!("service/{name}/src/"))));
    let mut used = BTreeSet::new();
    let mut broken = Vec::new();
    for file in sources.iter().filter(|file| !file.is_test()) {
        let Some(module) = module_of(file) else { continue };
        let (_, allowed) = MAY_USE.iter().find(|(name, _)| *name == module).expect("listed");
        for (number, line) in file.lines() {
            for name in named(line).filter(|name| modules.contains(name) || crates.contains(name)) {
                if allowed.contains(&name) {
                    used.insert((module, name));
                } else if name != module {
                    broken.push(format!("{}:{number}: {module} uses {name}: {}", file.path, line.trim()));
                }
            }
        }
    }
    expect_none("modules that use what they may not", broken);
    let unused = MAY_USE.iter().flat_map(|(module, names)| names.iter().map(move |name| (*module, *name)));
    let unused = unused.filter(|pair| !used.contains(pair)).map(|(module, name)| format!("{module} may use {name}"));
    expect_none("leave that nobody takes", unused);
}
