//! T38–T40: people, managed on the machine of the installation while the service runs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::service::{Service, Workplace, http, outcome};

/// The status and the body of a request in JSON.
async fn ask(service: &Service, method: Method, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let request = http().request(method, format!("{}{path}", service.url)).json(body);
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let answer = request.send().await.expect("an answer");
    let status = StatusCode::as_u16(&answer.status());
    (status, answer.json().await.unwrap_or_default())
}

async fn sign_in(service: &Service, email: &str, password: &str) -> (u16, Value) {
    ask(service, Method::POST, "/api/auth/login", None, &json!({"email": email, "password": password})).await
}

#[tokio::test]
async fn t38_the_printed_key_makes_the_first_person() {
    let place = Workplace::new();
    let service = place.start_with(&["--listen", "0.0.0.0:0"]);
    let key = service.log().split_once("[SETUP] admin key: ").map(|(_, rest)| rest[..55].to_owned()).expect("a key");
    let tenants =
        async |token: Option<&str>| ask(&service, Method::GET, "/api/v1/tenants", token, &Value::Null).await.0;
    assert_eq!((tenants(Some(&key)).await, tenants(None).await), (200, 401));
    let first = json!({"email": "admin@test", "password": "several words together"});
    let set_up = async |token: Option<&str>| ask(&service, Method::POST, "/api/v1/setup", token, &first).await;
    assert_eq!(set_up(None).await.0, 401, "also from this machine");
    let (status, tokens) = set_up(Some(&key)).await;
    assert_eq!((status, &tokens["user"]["role"]), (201, &json!("global_admin")), "{tokens}");
    assert_eq!(tenants(tokens["access_token"].as_str()).await, 200);
    let (status, refused) = set_up(Some(&key)).await;
    assert_eq!((status, &refused["code"]), (409, &json!("already_configured")));
}

#[tokio::test]
async fn t39_the_first_person_of_an_unattended_installation() {
    let place = Workplace::new();
    let file = place.path("password");
    std::fs::write(&file, "several words together\nand a line more\n").expect("written");
    let file = file.display().to_string();
    let variables = [("PACKSHOT_ADMIN_EMAIL", "admin@test"), ("PACKSHOT_ADMIN_PASSWORD_FILE", file.as_str())];
    let start = || Service::spawn(place.command(&["serve", "--listen", "0.0.0.0:0"]).envs(variables));
    let service = start();
    assert!(!service.log().contains("[SETUP]"), "no key is printed: {}", service.log());
    let (status, tokens) = sign_in(&service, "admin@test", "several words together").await;
    assert_eq!((status, &tokens["user"]["role"]), (200, &json!("global_admin")));
    service.kill();
    std::fs::write(&file, "other words together\n").expect("written");
    let service = start();
    assert_eq!(sign_in(&service, "admin@test", "other words together").await.0, 401, "the file changes nothing");
    assert_eq!(sign_in(&service, "admin@test", "several words together").await.0, 200);
    service.kill();

    let place = Workplace::new();
    std::fs::write(&file, "short\n").expect("written");
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let (code, _, stderr) = outcome(command.envs(variables));
    assert_eq!(code, 6, "{stderr}");
    assert!(stderr.contains("error[serve.first_admin]"), "{stderr}");
}

#[tokio::test]
async fn t40_lost_access_is_given_back_on_the_machine() {
    let place = Workplace::new();
    let service = place.start();
    let (code, made, stderr) = place.run(&["admin", "create-user", "--email", "anna@test", "--role", "global_admin"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("created anna@test as global_admin in the tenant default"), "{stderr}");
    let (status, tokens) = sign_in(&service, "anna@test", made.trim()).await;
    assert_eq!((status, &tokens["user"]["must_change_password"]), (200, &json!(true)));
    let (code, again, stderr) = place.run(&["admin", "reset-password", "--email", "ANNA@test"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(sign_in(&service, "anna@test", made.trim()).await.0, 401);
    let (_, tokens) = sign_in(&service, "anna@test", again.trim()).await;
    let token = tokens["access_token"].as_str().expect("a token");
    let change = json!({"current_password": again.trim(), "new_password": "several words together"});
    assert_eq!(ask(&service, Method::PUT, "/api/v1/me/password", Some(token), &change).await.0, 204);
    let (_, log) = ask(&service, Method::GET, "/api/v1/audit-log", Some(token), &Value::Null).await;
    let actors: Vec<(&str, &str)> = log["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| (entry["actor_kind"].as_str().expect("a word"), entry["action"].as_str().expect("a word")))
        .collect();
    assert!(
        actors.contains(&("local", "user.created")) && actors.contains(&("local", "auth.password_changed")),
        "{actors:?}"
    );

    let (code, key, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    let path = "/api/v1/audit-log?action=api_key.created";
    let (status, log) = ask(&service, Method::GET, path, Some(key.trim()), &Value::Null).await;
    assert_eq!((status, &log["items"][0]["actor_kind"]), (200, &json!("local")), "{log}");

    let (code, _, stderr) = place.run(&["admin", "rotate-signing-key"]);
    assert_eq!(code, 0, "{stderr}");
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(ask(&service, Method::GET, "/api/v1/me", Some(token), &Value::Null).await.0, 200, "sessions go on");
    let (code, _, stderr) = place.run(&["admin", "rotate-signing-key", "--revoke"]);
    assert_eq!(code, 0, "{stderr}");
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(ask(&service, Method::GET, "/api/v1/me", Some(token), &Value::Null).await.0, 401);
    assert_eq!(sign_in(&service, "anna@test", "several words together").await.0, 200);

    for (arguments, code) in [
        (&["create-user", "--email", "anna@test"][..], "admin.email_taken"),
        (&["create-user", "--email", "b@test", "--tenant", "nobody"], "admin.no_tenant"),
        (&["reset-password", "--email", "nobody@test"], "admin.no_user"),
    ] {
        let (exit, _, stderr) = place.run(&[&["admin"], arguments].concat());
        assert_eq!(exit, 3, "{stderr}");
        assert!(stderr.contains(&format!("error[{code}]")), "{stderr}");
    }
}
