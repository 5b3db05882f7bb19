//! What others are told when the service begins and when it is killed: alerts, and deliveries to webhooks.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::service::{SOON, Service, Workplace, http, until};

async fn get(service: &Service, path: &str) -> Value {
    let answer = http().get(format!("{}{path}", service.url)).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

async fn post(service: &Service, path: &str, body: &Value) -> Value {
    let answer = http().post(format!("{}{path}", service.url)).json(body).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

/// A service with settings, in the environment.
fn start(place: &Workplace, settings: &[(&str, &str)]) -> Service {
    let mut command = place.command(&["serve"]);
    Service::spawn(command.env("PACKSHOT_LISTEN", "127.0.0.1:0").envs(settings.iter().copied()))
}

#[tokio::test]
async fn n16_a_service_that_asks_for_a_gpu_and_finds_none_says_so() {
    const ALERTS: &str = "/api/v1/alerts?event_type=gpu.probe_failed";
    let place = Workplace::new();
    // On no machine is there a driver to be found.
    let nowhere = ("VK_DRIVER_FILES", "/nowhere");
    let service = start(&place, &[("PACKSHOT_RENDER_DEVICE", "gpu"), nowhere]);
    until("it is told", SOON, async || get(&service, ALERTS).await["items"] != json!([])).await;
    let alerts = get(&service, ALERTS).await;
    let [alert] = alerts["items"].as_array().expect("a list").as_slice() else { panic!("one: {alerts}") };
    assert_eq!((&alert["state"], &alert["tenant_id"]), (&json!("open"), &json!(null)));
    assert_eq!(alert["message"], "GPU probe failed: no GPU was found, and the processor renders");
    service.kill();

    let service = start(&place, &[("PACKSHOT_RENDER_DEVICE", "cpu"), nowhere]);
    until("it is over", SOON, async || get(&service, ALERTS).await["items"][0]["state"] == "resolved").await;
    service.kill();

    let place = Workplace::new();
    let service = start(&place, &[("PACKSHOT_RENDER_DEVICE", "cpu"), nowhere]);
    // What it looks at next, it looks at after the devices.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    assert_eq!(get(&service, ALERTS).await["items"], json!([]));
}

/// Takes a request; returns its id as a webhook's message.
async fn taken(receiver: &TcpListener) -> (TcpStream, String) {
    let (mut socket, _) = receiver.accept().await.expect("a connection");
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        assert!(socket.read_buf(&mut head).await.expect("a request") > 0, "a whole head");
    }
    let head = String::from_utf8_lossy(&head);
    let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).expect("an id").to_owned();
    (socket, id)
}

#[tokio::test]
async fn n70_a_message_whose_answer_was_never_noted_comes_again_with_its_id() {
    const OPEN: [(&str, &str); 2] =
        [("PACKSHOT_WEBHOOK_ALLOW_HTTP", "true"), ("PACKSHOT_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")];
    const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
    let place = Workplace::new();
    let service = start(&place, &OPEN);
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", receiver.local_addr().expect("bound"));
    let hook = post(&service, "/api/v1/webhooks", &json!({"url": url, "event_types": ["order.*"]})).await;
    let hook = format!("/api/v1/webhooks/{}", hook["id"].as_str().expect("an id"));
    let delivery = post(&service, &format!("{hook}/test"), &json!({})).await;
    let delivery = format!("{hook}/deliveries/{}", delivery["id"].as_str().expect("an id"));

    // The answer is there, and the service is killed before it reads it.
    let (mut socket, first) = taken(&receiver).await;
    service.signal("STOP");
    socket.write_all(TAKEN).await.expect("sent");
    service.kill();

    let service = start(&place, &OPEN);
    let (mut socket, second) = taken(&receiver).await;
    socket.write_all(TAKEN).await.expect("sent");
    assert_eq!(first, second);
    until("it is delivered", SOON, async || get(&service, &delivery).await["state"] == "delivered").await;
    assert_eq!(get(&service, &delivery).await["attempt"], 2);
    let all = get(&service, &format!("{hook}/deliveries")).await;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "the event has one id: {all}");
}
