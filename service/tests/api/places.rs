//! Where stored files lie: a test of a store runs on local files and on a bucket.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload};
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::TenantId;
use packshot_service::store::{BucketConfig, Store, StoreConfig};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::bucket::BucketServer;

const BUCKET: &str = "pictures";
const PREFIX: &str = "packshot/";
const REGION: &str = "us-east-1";
/// The server takes any key.
const KEY: [&str; 2] = ["packshot", "a-secret"];

/// A place for one store. All of it is gone when this is dropped.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) server: Option<BucketServer>,
}

impl Place {
    /// On the local disk.
    pub(crate) fn local() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), server: None }
    }

    /// In a bucket; `None` where there is no server for it.
    pub(crate) fn bucket() -> Option<Self> {
        let server = BucketServer::start()?;
        make_bucket(server.address);
        Some(Self { server: Some(server), ..Self::local() })
    }

    /// A folder for what belongs to the store.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> StoreConfig {
        match &self.server {
            None => StoreConfig::Local { root: self.folder().join("store") },
            Some(server) => in_bucket(server.address, self.folder().join("spool")),
        }
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.config()).expect("opens")
    }

    /// Writes other bytes into an object, as a broken disk would.
    pub(crate) async fn damage(&self, tenant: TenantId, address: ContentAddress, bytes: Vec<u8>) {
        match &self.server {
            None => std::fs::write(self.file(tenant, address), bytes).expect("written"),
            Some(server) => {
                drop(client(server).put(&key(tenant, address), PutPayload::from(bytes)).await.expect("sent"))
            }
        }
    }

    /// Removes an object, as whoever cleans up too much would.
    pub(crate) async fn remove(&self, tenant: TenantId, address: ContentAddress) {
        match &self.server {
            None => std::fs::remove_file(self.file(tenant, address)).expect("removed"),
            Some(server) => client(server).delete(&key(tenant, address)).await.expect("removed"),
        }
    }

    fn file(&self, tenant: TenantId, address: ContentAddress) -> PathBuf {
        self.folder().join("store").join(name(tenant, address))
    }
}

fn make_bucket(server: SocketAddr) {
    let mut connection = std::net::TcpStream::connect(server).expect("it listens");
    let head = format!("PUT /{BUCKET} HTTP/1.1\r\nHost: {server}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A store in the bucket of a server at this address.
pub(crate) fn in_bucket(server: SocketAddr, spool: PathBuf) -> StoreConfig {
    let [id, secret] = KEY.map(|text| Some(text.to_owned()));
    let bucket = BucketConfig {
        bucket: BUCKET.to_owned(),
        prefix: PREFIX.to_owned(),
        region: REGION.to_owned(),
        endpoint: Some(format!("http://{server}")),
        access_key_id: id,
        secret_access_key: secret,
        allow_http: true,
    };
    StoreConfig::Bucket { bucket, spool }
}

fn name(tenant: TenantId, address: ContentAddress) -> String {
    let hex = address.hex();
    format!("objects/{tenant}/{}/{}", &hex[..2], &hex[2..])
}

fn key(tenant: TenantId, address: ContentAddress) -> Key {
    Key::from(format!("{PREFIX}{}", name(tenant, address)))
}

fn client(server: &BucketServer) -> AmazonS3 {
    crate::process::set_up();
    let builder = AmazonS3Builder::new().with_endpoint(format!("http://{}", server.address)).with_allow_http(true);
    let builder = builder.with_bucket_name(BUCKET).with_region(REGION);
    builder.with_access_key_id(KEY[0]).with_secret_access_key(KEY[1]).build().expect("a client")
}

/// What stands between a service and a server, and can be shut.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    /// Cancelled while the gate is shut.
    open: Arc<Mutex<CancellationToken>>,
}

impl Gate {
    /// An open one.
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let open = Arc::new(Mutex::new(CancellationToken::new()));
        let seen = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let shut = seen.lock().expect("no panic").clone();
                // Of a shut gate, the connection is closed as soon as it is made.
                tokio::spawn(shut.run_until_cancelled_owned(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                }));
            }
        });
        Self { address, open }
    }

    /// Cuts all connections, and every new one.
    pub(crate) fn shut(&self) {
        self.open.lock().expect("no panic").cancel();
    }

    /// Lets connections through again.
    pub(crate) fn open(&self) {
        *self.open.lock().expect("no panic") = CancellationToken::new();
    }
}
