//! A server that speaks S3: moto (<https://github.com/getmoto/moto>), where `scripts/test` installs it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::tools::tool;

/// How long it may take to start.
const START: Duration = Duration::from_secs(60);

/// A running server; it and all buckets are gone when this is dropped.
pub(crate) struct BucketServer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl BucketServer {
    /// Starts one on a port of its own. Where it is not installed, a line says that the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = tool("s3/bin/moto_server") else {
            println!("skipped: moto is not installed");
            return None;
        };
        let mut command = Command::new(program);
        // The caller's accounts, proxies and Python are not its.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, receiver) = mpsc::channel();
        // Read to its end, so that it never waits for a reader of its log.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("Running on http://") {
                    let _ = sender.send(address.trim().parse::<SocketAddr>().expect("an address"));
                }
            }
        });
        let address = receiver.recv_timeout(START).expect("it listens");
        Some(Self { child, address })
    }
}

impl Drop for BucketServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
