//! 500 clients that send one byte of a head per second, and what others notice of them.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Finding;
use crate::product::submission;
use crate::service::{Service, Setup, percentile};

/// Requests of normal users that are measured.
const REQUESTS: u32 = 400;

pub(crate) async fn run(setup: &Setup) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let service = setup.start(&folder.path().join("data"), &[], &[]);
    let n = setup.count(500);
    // Everything is warm before it is measured.
    normal(&service, 0).await;
    let mut before = normal(&service, 1).await;
    let slow: Vec<_> = (0..n).map(|_| tokio::spawn(drip(service.address.clone()))).collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut during = normal(&service, 2).await;
    let (mut cut, mut faults) = (Vec::new(), Vec::new());
    for client in slow {
        cut.extend(client.await.expect("no panic"));
    }
    let longest = percentile(&mut cut, 1.0);
    if cut.len() < n as usize || longest > Duration::from_secs(35) {
        faults.push(format!("{} of {n} cut off, the last after {longest:.0?}", cut.len()));
    }
    let (quiet, busy) = (percentile(&mut before, 0.99), percentile(&mut during, 0.99));
    if busy > quiet * 2 + Duration::from_millis(5) {
        faults.push(format!("others wait {busy:.1?} instead of {quiet:.1?}"));
    }
    let figures = format!(
        "{n} slow clients, cut off after {longest:.1?} at most; others: p99 {quiet:.1?} without, {busy:.1?} with them, median \
         {:.1?} and {:.1?}",
        percentile(&mut before, 0.5),
        percentile(&mut during, 0.5)
    );
    Finding { what: "slow heads".to_owned(), figures, faults }
}

/// How long it takes until a connection that never ends its head is closed; `None` when it is not within a minute.
async fn drip(address: String) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let began = Instant::now();
    let (mut reading, mut writing) = stream.split();
    let sends = async {
        for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x')) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        () = sends => {}
        _ = reading.read_to_end(&mut rest) => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => return None,
    }
    Some(began.elapsed())
}

/// How long a normal user's requests take: mostly looking, sometimes submitting.
async fn normal(service: &Service, run: u32) -> Vec<Duration> {
    let mut times = Vec::new();
    for n in 0..REQUESTS {
        let began = Instant::now();
        if n % 20 == 0 {
            service.client.submit(&submission("slow", run * REQUESTS + n, 4, 1)).await.expect("accepted");
        } else {
            service.client.jobs(10, None).await.expect("a page");
        }
        times.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times
}
