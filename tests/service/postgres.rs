//! A database on a PostgreSQL server, behind a gate that a test can close.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use packshot_db::DatabaseConfig;
use packshot_db::testing::TestDatabase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The URL of a new database on the server that PACKSHOT_TEST_POSTGRES names, for one role; `None`, and a line that
/// says so, without one.
pub(crate) async fn database() -> Option<String> {
    let engine = TestDatabase::postgres()?.as_one_role();
    match engine.fresh(Path::new("")).await.expect("the server of PACKSHOT_TEST_POSTGRES") {
        DatabaseConfig::Postgres { urls, .. } => Some(urls.app().to_owned()),
        DatabaseConfig::Sqlite { .. } => None,
    }
}

/// A proxy in front of a database that passes connections on while it is open.
pub(crate) struct Gate {
    /// The URL of the database through the gate.
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    server: String,
    is_open: watch::Sender<bool>,
    /// After a transaction with these bytes was committed, its connection ends without the answer.
    lost: Mutex<Option<&'static [u8]>>,
}

impl Gate {
    /// A gate in front of a database, open.
    pub(crate) async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own: SocketAddr = listener.local_addr().expect("bound");
        let (user, rest) = url.rsplit_once('@').expect("a URL with a user");
        let (server, name) = rest.split_once('/').expect("a URL with a database");
        let state = State { server: server.to_owned(), is_open: watch::Sender::new(true), lost: Mutex::default() };
        let state = Arc::new(state);
        let of_loop = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = of_loop.clone();
                tokio::spawn(async move {
                    let mut is_open = state.is_open.subscribe();
                    tokio::select! {
                        _ = state.pass(client) => {}
                        _ = is_open.wait_for(|is_open| !is_open) => {}
                    }
                });
            }
        });
        Self { url: format!("{user}@{own}/{name}"), state }
    }

    /// Ends all connections and lets no new one through, or lets them through again.
    pub(crate) fn set_open(&self, is_open: bool) {
        self.state.is_open.send_replace(is_open);
    }

    /// The answer to the next commit of a transaction with these bytes in it gets lost.
    pub(crate) fn lose_the_answer_after(&self, bytes: &'static [u8]) {
        *self.state.lost.lock().expect("not poisoned") = Some(bytes);
    }

    /// Whether such an answer was lost by now.
    pub(crate) fn has_lost_it(&self) -> bool {
        self.state.lost.lock().expect("not poisoned").is_none()
    }
}

impl State {
    async fn pass(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut server = TcpStream::connect(&self.server).await?;
        let (mut sent, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let mut is_marked = false;
        loop {
            tokio::select! {
                n = client.read(&mut sent) => {
                    let chunk = &sent[..n?];
                    if chunk.is_empty() {
                        return Ok(());
                    }
                    let mark = *self.lost.lock().expect("not poisoned");
                    is_marked |= mark.is_some_and(|mark| contains(chunk, mark));
                    server.write_all(chunk).await?;
                    if is_marked && mark.is_some() && contains(chunk, b"COMMIT") {
                        // The server has done it by the time it starts to answer.
                        server.readable().await?;
                        *self.lost.lock().expect("not poisoned") = None;
                        return Ok(());
                    }
                }
                n = server.read(&mut answered) => {
                    let chunk = &answered[..n?];
                    if chunk.is_empty() {
                        return Ok(());
                    }
                    client.write_all(chunk).await?;
                }
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
