//! Connections that break off, over real sockets: answers are cut where a killed service cuts them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::{Client, ClientError};

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
