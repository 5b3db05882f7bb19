//! Connections that break off, over real sockets: answers are cut where a killed service cuts them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use packshot_domain::hash::ContentAddress;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::{Client, ClientError, FetchError, Picture};

const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// A piece of a body whose end is not known.
fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Answers one connection after the other with these bytes and closes it, whether the answer is whole or not.
async fn serve(answers: Vec<String>) -> (Client, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let head = head(&mut connection).await;
            seen.lock().expect("no panic").push(head);
            connection.write_all(answer.as_bytes()).await.expect("sent");
            connection.shutdown().await.expect("closed");
        }
    });
    (Client::new(&url, None).expect("an address").patient_for(Duration::from_secs(20)), heads)
}

/// The head of a request, in lower case.
async fn head(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(connection.read_u8().await.expect("a whole head"));
    }
    String::from_utf8_lossy(&bytes).to_ascii_lowercase()
}

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_after_its_last_event() {
    let progress = chunk("id: 7\nevent: job.progress\ndata: {\"progress_pct\":40}\n\n");
    let end = chunk("id: 8\nevent: job.completed\ndata: {\"state\":\"completed\"}\n\n");
    // The first ends between two pieces, as that of a process that is gone; the second after the job, in the middle of
    // one.
    let answers =
        vec![format!("{STREAM}{progress}"), format!("{STREAM}{end}ff\r\n: keep"), format!("{STREAM}0\r\n\r\n")];
    let (client, heads) = serve(answers).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let of_notice = told.clone();
    let client = client.on_retry(move |_, at_most| of_notice.lock().expect("no panic").push(at_most));

    let mut events = client.events(Uuid::nil());
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await.expect("taken up again") {
        numbers.extend(event.id);
    }
    assert_eq!(numbers, [7, 8]);
    let heads = heads.lock().expect("no panic").clone();
    let resumes: Vec<_> =
        heads.iter().map(|head| head.lines().find_map(|l| l.strip_prefix("last-event-id: "))).collect();
    assert_eq!(resumes, [None, Some("7"), Some("8")]);
    assert_eq!(*told.lock().expect("no panic"), [Duration::from_secs(20); 2], "once for each time that it was lost");
}

#[tokio::test]
async fn what_is_read_is_asked_for_again() {
    let page = "{\"items\":[],\"next_cursor\":null}";
    let length = page.len();
    let answer = |text: &str| format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{text}");
    let (client, heads) = serve(vec![String::new(), answer(&page[..20]), answer(page)]).await;
    let jobs = client.jobs(1, None).await.expect("asked for again");
    assert!(jobs.items.is_empty());
    assert_eq!(heads.lock().expect("no panic").len(), 3);
}

#[tokio::test]
async fn who_is_not_patient_tries_once() {
    let (client, heads) = serve(vec![String::new(), String::new()]).await;
    let refused = client.patient_for(Duration::ZERO).job(Uuid::nil()).await;
    assert!(matches!(refused, Err(ClientError::Unreachable(_))), "{refused:?}");
    assert_eq!(heads.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_asked_again() {
    let refusal = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned();
    let (client, heads) = serve(vec![refusal.clone(), refusal]).await;
    let refused = client.cancel(Uuid::nil()).await;
    assert!(matches!(refused, Err(ClientError::Foreign { status: 404 })), "{refused:?}");
    assert_eq!(heads.lock().expect("no panic").len(), 1);
}

/// An order with one line that has completed.
fn order(status: &str) -> String {
    let (id, at) = (Uuid::nil(), "2026-11-20T10:00:00.000Z");
    let line = json!({
        "id": id, "tenant_id": id, "order_id": id, "product_id": id, "output_type_id": id, "render_status": "completed",
        "result_path": null, "render_started_at": null, "render_completed_at": null,
        "render_job_doc": {"state": "completed"}, "render_log": null, "asset_ids": [], "created_at": at, "updated_at": at,
    });
    let counts = json!({"total": 1, "pending": 0, "processing": 0, "completed": 1, "failed": 0, "cancelled": 0});
    let body = json!({
        "id": id, "tenant_id": id, "order_number": "1", "status": status, "created_by": id, "submission_no": 1,
        "submitted_at": null, "processing_started_at": null, "completed_at": null, "rejected_at": null,
        "rejection_reason": null, "notes": null, "line_counts": counts, "created_at": at, "updated_at": at,
        "lines": [line],
    })
    .to_string();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn the_stream_of_an_order_goes_on_until_the_service_says_that_the_order_is_over() {
    let change = |seq: u32, name: &str| chunk(&format!("id: {seq}\nevent: {name}\ndata: {{}}\n\n"));
    let end = "0\r\n\r\n";
    // A service that is stopped closes its streams as at the end of an order.
    let answers = vec![
        format!("{STREAM}{}", change(3, "line.status")),
        format!("{STREAM}{}{end}", change(4, "line.status")),
        order("processing"),
        format!("{STREAM}{}{end}", change(5, "order.status")),
        order("completed"),
    ];
    let (client, heads) = serve(answers).await;
    let mut events = client.order_events(Uuid::nil());
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await.expect("taken up again") {
        numbers.extend(event.id);
    }
    assert_eq!(numbers, [3, 4, 5]);
    let heads = heads.lock().expect("no panic").clone();
    let resumes: Vec<_> =
        heads.iter().map(|head| head.lines().find_map(|line| line.strip_prefix("last-event-id: "))).collect();
    assert_eq!(resumes, [None, Some("3"), None, Some("4"), None]);
}

#[tokio::test]
async fn the_stream_of_a_run_goes_on_until_the_service_says_that_the_run_is_over() {
    let (id, at) = (Uuid::nil(), "2026-11-20T10:00:00.000Z");
    let run = |status: &str| {
        let body = json!({
            "id": id, "tenant_id": id, "workflow_def_id": null, "order_line_id": id, "cad_file_id": null,
            "execution_mode": "graph", "status": status, "task_id": id, "celery_task_id": id, "error_message": null,
            "created_at": at, "started_at": at, "completed_at": null, "config": {}, "comparison": null,
            "node_results": [],
        })
        .to_string();
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let change = |seq: u32| chunk(&format!("id: {seq}\nevent: node.status\ndata: {{}}\n\n"));
    let end = "0\r\n\r\n";
    let answers = vec![
        format!("{STREAM}{}{end}", change(1)),
        run("running"),
        format!("{STREAM}{}{end}", change(2)),
        run("cancelled"),
    ];
    let (client, heads) = serve(answers).await;
    let mut events = client.workflow_run_events(id).from_the_start();
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await.expect("taken up again") {
        numbers.extend(event.id);
    }
    assert_eq!(numbers, [1, 2]);
    let heads = heads.lock().expect("no panic").clone();
    let resumes: Vec<_> =
        heads.iter().map(|head| head.lines().find_map(|line| line.strip_prefix("last-event-id: "))).collect();
    assert_eq!(resumes, [Some("0"), None, Some("1"), None]);
}

#[tokio::test]
async fn a_file_that_arrives_damaged_is_no_file() {
    let answer = |body: &str| format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\n{body}");
    let picture = |content: &[u8]| Picture {
        line: Uuid::nil(),
        name: "a.png".to_owned(),
        media_type: "image/png".to_owned(),
        size_bytes: 5,
        address: ContentAddress::of(content),
        url: "/a.png".to_owned(),
    };
    let (client, heads) = serve(vec![answer("he"), answer("hello"), answer("hallo")]).await;
    let fetched = client.fetch_into(&picture(b"hello"), || Ok(Vec::new())).await.expect("whole");
    assert_eq!(fetched, b"hello", "the second attempt begins anew");
    let damaged = client.fetch_into(&picture(b"hello"), || Ok(Vec::new())).await;
    assert!(matches!(damaged, Err(FetchError::Client(ClientError::Damaged))), "{damaged:?}");
    assert_eq!(heads.lock().expect("no panic").len(), 3);
}
