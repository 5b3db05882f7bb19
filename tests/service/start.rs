//! Starting: settings, the data folder, and access before a key is created.

use packshot_contract::client::ClientError;
use serde_json::{Value, json};

use crate::service::{SOON, Workplace, files_below, tiny, until};

#[test]
fn settings_are_checked_and_shown() {
    let place = Workplace::new();
    std::fs::write(place.path("packshot.toml"), "threads = 1\nmax_pixels = 1000\n").expect("written");
    let mut command = place.command(&["serve", "--config", "packshot.toml", "--check-config", "--listen", "[::1]:9"]);
    command.env("PACKSHOT_METRICS_TOKEN", "geheim").env("PACKSHOT_THREADS", "2");
    let (code, stdout, stderr) = crate::service::outcome(&mut command);
    assert_eq!((code, stderr.as_str()), (0, ""));
    for line in ["# --listen", "# PACKSHOT_THREADS", "# packshot.toml:2 (max_pixels)", "metrics_token = \"***\""] {
        assert!(stdout.contains(line), "{line} in\n{stdout}");
    }
    assert!(!stdout.contains("geheim"));

    std::fs::write(place.path("packshot.toml"), "threads = -1\nworkrs = \"inline\"\n").expect("written");
    let (code, _, stderr) = place.run(&["serve", "--config", "packshot.toml"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("error[config.invalid_value]") && stderr.contains("packshot.toml:1 (threads)"), "{stderr}");
    assert!(stderr.contains("error[config.unknown_setting]") && stderr.contains("did you mean `workers`?"), "{stderr}");
    assert!(!place.data().exists(), "nothing was begun");
}

#[test]
fn a_data_folder_that_all_may_read_is_tightened_or_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Workplace::new();
    let mode = |name: &str| {
        let found = std::fs::metadata(place.data().join(name)).expect("there");
        found.permissions().mode() & 0o7777
    };
    let set = |name: &str, mode| {
        std::fs::set_permissions(place.data().join(name), std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    let files = ["packshot.db", "packshot.db-wal", "packshot.db-shm"];
    let first = place.start();
    for name in files {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    first.kill();
    // As after a copy by hand.
    files.into_iter().for_each(|name| set(name, 0o644));
    set("", 0o755);
    let service = place.start();
    assert_eq!(mode(""), 0o700);
    for name in files {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert!(service.log().contains("now only its owner can access it"), "{}", service.log());
    service.kill();

    set("", 0o1777);
    let (code, _, stderr) = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(code == 6 && stderr.contains("error[serve.data_exposed]"), "{code}: {stderr}");
    assert_eq!(mode(""), 0o1777, "a folder that all users share keeps its mode");
    // The folder of this test has other files in it.
    std::fs::set_permissions(place.path(""), std::fs::Permissions::from_mode(0o755)).expect("ours");
    let (code, _, stderr) = place.run(&["serve", "--listen", "127.0.0.1:0", "--data", "."]);
    assert!(code == 6 && stderr.contains("it also holds other files"), "{code}: {stderr}");
    assert!(!place.path("packshot.lock").exists(), "nothing was begun");
}

#[test]
fn what_cannot_be_used_is_exit_6() {
    let place = Workplace::new();
    let service = place.start();
    let (code, _, stderr) = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 6);
    assert!(stderr.contains("error[serve.data_locked]"), "{stderr}");
    assert!(stderr.contains(&format!("id {}", service.id())), "{stderr}");

    let address = service.url.trim_start_matches("http://");
    let (code, _, stderr) = place.run(&["serve", "--listen", address, "--data", "other"]);
    assert_eq!(code, 6);
    assert!(stderr.contains("error[serve.address_in_use]") && stderr.contains(address), "{stderr}");

    let (code, _, stderr) = place.run(&["serve", "--listen", "127.0.0.1:0", "--data", "boxes.glb"]);
    assert_eq!(code, 6);
    assert!(stderr.contains("error[serve.data_unusable]"), "{stderr}");

    let nobody = "postgres://nobody@127.0.0.1:9/none";
    let (code, _, stderr) =
        place.run(&["serve", "--listen", "127.0.0.1:0", "--data", "third", "--database-url", nobody]);
    assert_eq!(code, 6);
    assert!(stderr.contains("error[serve.database]"), "{stderr}");
}

#[test]
fn a_store_that_is_not_the_databases_is_exit_6() {
    let place = Workplace::new();
    place.start().kill();
    // The same database, with files in another folder.
    std::fs::create_dir(place.path("files")).expect("a folder");
    std::fs::write(place.path("packshot.toml"), "[store]\npath = \"files\"\n").expect("written");
    let moved = ["serve", "--listen", "127.0.0.1:0", "--config", "packshot.toml"];
    let (code, _, stderr) = place.run(&moved);
    assert_eq!(code, 6, "{stderr}");
    for part in ["error[serve.store_mismatch]", "packshot.db", "files", "packshot admin adopt-store"] {
        assert!(stderr.contains(part), "{part} in\n{stderr}");
    }
    place.start().kill();
    let (code, _, stderr) = place.run(&["admin", "adopt-store", "--config", "packshot.toml"]);
    assert_eq!(code, 0, "{stderr}");
    place.start_with(&moved[3..]).kill();
    let (code, _, stderr) = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((code, stderr.contains("error[serve.store_mismatch]")), (6, true), "{stderr}");
}

#[test]
fn t88_two_urls_of_three_are_exit_2_and_the_plan_has_no_secret() {
    let place = Workplace::new();
    let [app, bypass] = ["app", "bypass"].map(|role| format!("postgres://{role}:geheim@127.0.0.1:9/shop"));
    let mut serve = place.command(&["serve", "--listen", "127.0.0.1:0", "--database-url", &app]);
    let (code, _, stderr) = crate::service::outcome(serve.env("DATABASE_BYPASS_URL", &bypass));
    assert_eq!(code, 2, "{stderr}");
    let text = "error[config.database_roles]: `database_bypass_url` is set without `database_owner_url`";
    assert!(stderr.contains(text) && !stderr.contains("geheim"), "{stderr}");
    assert!(!place.data().exists(), "nothing was begun");

    let mut plan = place.command(&["admin", "migrate", "--plan"]);
    let (code, plan, stderr) = crate::service::outcome(plan.env("DATABASE_URL", &app));
    assert_eq!((code, stderr.as_str()), (0, ""));
    for part in ["CREATE ROLE \"packshot_bypass\" LOGIN", "ALTER DATABASE \"shop\" OWNER TO \"packshot_owner\""] {
        assert!(plan.contains(part), "{part} in\n{plan}");
    }
    assert!(!plan.contains("geheim"), "{plan}");
    let (code, _, stderr) = place.run(&["admin", "migrate", "--plan"]);
    assert_eq!((code, stderr.contains("error[admin.no_server]")), (2, true), "{stderr}");
}

#[tokio::test]
async fn t88_three_urls_of_one_role_are_exit_2() {
    let Some(url) = crate::postgres::database().await else { return };
    let place = Workplace::new();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["admin", "list-keys"]] {
        let mut command = place.command(command);
        for name in ["DATABASE_URL", "DATABASE_BYPASS_URL", "DATABASE_OWNER_URL"] {
            command.env(name, &url);
        }
        let (code, _, stderr) = crate::service::outcome(&mut command);
        assert_eq!(code, 2, "{stderr}");
        let text = "error[config.database_roles]: `database_url` and `database_bypass_url` have the same role";
        assert!(stderr.contains(text), "{stderr}");
    }
}

#[tokio::test]
async fn a_second_service_on_the_database_needs_its_files() {
    let Some(url) = crate::postgres::database().await else { return };
    let place = Workplace::new();
    let first = place.start_with(&["--database-url", &url]);
    let (code, _, stderr) = place.run(&["serve", "--listen", "127.0.0.1:0", "--data", "other", "--database-url", &url]);
    assert_eq!((code, stderr.contains("error[serve.store_mismatch]")), (6, true), "{stderr}");
    std::fs::write(place.path("shared.toml"), "[store]\npath = \"data\"\n").expect("written");
    place.start_with(&["--data", "other", "--config", "shared.toml", "--database-url", &url]).kill();
    first.kill();
}

#[tokio::test]
async fn r51_r52_the_device_is_looked_for_at_the_start() {
    for workers in ["inline", "process"] {
        let place = Workplace::new();
        let service = place.start_with(&["--workers", workers, "--device", "gpu"]);
        until("it says which device there is", SOON, async || service.log().contains("[GPU_PROBE]")).await;
        let log = service.log();
        let is_missing = log.contains("[GPU_PROBE] No GPU found, falling back to CPU — set cycles_device=cpu");
        assert!(is_missing || log.contains("— using GPU render"), "{workers}: {log}");
    }
    let place = Workplace::new();
    let service = place.start_with(&["--device", "cpu"]);
    service.client().submit(&tiny()).await.expect("accepted");
    assert!(!service.log().contains("[GPU_PROBE]"), "R53: {}", service.log());
}

#[tokio::test]
async fn t38_beyond_loopback_one_key_is_made_and_needed() {
    let place = Workplace::new();
    let service = place.start_with(&["--listen", "0.0.0.0:0"]);
    let key = service.log().split_once("[SETUP] admin key: ").map(|(_, rest)| rest[..55].to_owned());
    let key = key.unwrap_or_else(|| panic!("no key in\n{}", service.log()));
    assert_eq!(service.log().matches("pk_").count(), 1);
    assert_eq!(service.status("/healthz").await, 200);
    match service.client().submit(&tiny()).await {
        Err(ClientError::Refused { problem, .. }) => assert_eq!(problem.code, "unauthenticated"),
        other => panic!("{other:?}"),
    }
    service.client_with(&key).submit(&tiny()).await.expect("the key opens");
    service.kill();

    let again = place.start_with(&["--listen", "0.0.0.0:0"]);
    assert!(!again.log().contains("[SETUP]"), "{}", again.log());
    again.client_with(&key).submit(&tiny()).await.expect("the key is still valid");
    let stored = files_below(&place.data()).into_iter().filter(|path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(key.len()).any(|window| window == key.as_bytes())
    });
    assert_eq!(stored.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new(), "the key itself is stored nowhere");
}

#[tokio::test]
async fn t35_t40_a_key_ends_the_open_mode() {
    let place = Workplace::new();
    let (code, _, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 6, "no installation yet");
    assert!(stderr.contains("error[admin.no_installation]"), "{stderr}");
    let service = place.start();
    assert_eq!(service.status("/api/v1/renders").await, 200);
    let (code, stdout, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    until("a key is needed", SOON, async || service.status("/api/v1/renders").await == 401).await;
    service.client_with(stdout.trim()).submit(&tiny()).await.expect("the key opens");
    let (code, reader, stderr) = place.run(&["admin", "create-key", "--name", "a display", "--scope", "renders:read"]);
    assert_eq!(code, 0, "{stderr}");
    match service.client_with(reader.trim()).submit(&tiny()).await {
        Err(ClientError::Refused { problem, .. }) => assert_eq!(problem.code, "insufficient_scope"),
        other => panic!("{other:?}"),
    }
    let (code, _, stderr) = place.run(&["admin", "create-key", "--scope", "renders:erase"]);
    assert_eq!(
        (code, stderr.contains("`renders:erase` is not one of renders:read, renders:write")),
        (2, true),
        "{stderr}"
    );
    service.kill();
    let again = place.start();
    assert_eq!(again.status("/api/v1/renders").await, 401, "T35: also after a restart");
}

#[tokio::test]
async fn keys_are_listed_revoked_and_given_an_end() {
    let place = Workplace::new();
    let service = place.start();
    let made = |args: &[&str]| {
        let (code, stdout, stderr) = place.run(&[&["admin", "create-key"], args].concat());
        assert_eq!(code, 0, "{stderr}");
        stdout.trim().to_owned()
    };
    let admin = made(&[]);
    let reader = made(&["--name", "a display", "--scope", "renders:read", "--expires", "90d"]);
    let answer = async |key: &str| match service.client_with(key).submit(&tiny()).await {
        Ok(_) => "accepted".to_owned(),
        Err(ClientError::Refused { problem, .. }) => problem.code,
        Err(other) => panic!("{other:?}"),
    };
    assert_eq!(answer(&reader).await, "insufficient_scope");

    let (code, stdout, stderr) = place.run(&["admin", "list-keys", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stdout.contains(&reader[12..]) && !stdout.contains(&admin[12..]), "no secret is shown");
    let listed: Value = serde_json::from_str(&stdout).expect("one JSON object");
    let [of_reader, of_admin] = &listed["items"].as_array().expect("a list")[..] else { panic!("{listed}") };
    assert_eq!((&of_reader["name"], &of_reader["state"]), (&json!("a display"), &json!("active")), "newest first");
    assert_eq!((&of_reader["scopes"], &of_admin["scopes"]), (&json!(["renders:read"]), &json!(["admin"])));
    assert!(of_reader["expires_at"].is_string() && of_admin["expires_at"].is_null(), "{listed}");
    assert!(of_reader["last_used_at"].is_string(), "{listed}");
    let prefix = of_reader["prefix"].as_str().expect("a text");
    assert!(reader.starts_with(prefix));
    let (code, table, _) = place.run(&["admin", "list-keys"]);
    let line = table.lines().nth(1).expect("below the head");
    assert!(code == 0 && line.starts_with(prefix) && line.ends_with("a display"), "{table}");

    let (code, _, stderr) = place.run(&["admin", "revoke-key", prefix]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!((answer(&reader).await.as_str(), answer(&admin).await.as_str()), ("unauthenticated", "accepted"));
    let (code, _, stderr) = place.run(&["admin", "revoke-key", of_reader["id"].as_str().expect("an id")]);
    assert!(code == 0 && stderr.contains("was already revoked"), "{stderr}");
    let (_, table, _) = place.run(&["admin", "list-keys"]);
    assert!(table.lines().any(|line| line.starts_with(prefix) && line.contains("revoked")), "{table}");

    for (args, code, error) in [
        (&["revoke-key", "pk_nonesuch"][..], 3, "error[admin.no_key]"),
        (&["revoke-key", "a display"][..], 2, "the first 11 characters of a key"),
        (&["create-key", "--expires", "2020-01-31"][..], 3, "error[admin.key_ended]"),
        (&["create-key", "--expires", "soon"][..], 2, "expected days or hours from now"),
    ] {
        let (found, _, stderr) = place.run(&[&["admin"], args].concat());
        assert!(found == code && stderr.contains(error), "{args:?}: {found}: {stderr}");
    }
}
