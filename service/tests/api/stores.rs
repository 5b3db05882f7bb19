//! A store and a database are bound to each other: a service does not start with the files of another one.

use std::path::Path;

use packshot_db::{AllTenants, DatabaseConfig, Db, PostgresUrls, installation};
use packshot_domain::id::StoreId;
use packshot_service::server::ServeError;
use packshot_service::server::identity::{self, IdentityError, Mismatch};
use packshot_service::store::{IDENTITY_FILE, Identity, Store, StoreConfig};

use crate::app::TestDatabase;

/// A database, in a folder where stores can be created.
struct Site {
    folder: tempfile::TempDir,
    database: DatabaseConfig,
}

impl Site {
    async fn new(engine: &TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = engine.fresh(folder.path()).await.expect("a database");
        Self { folder, database }
    }

    fn store(&self, name: &str) -> Store {
        open(&self.folder.path().join(name))
    }

    /// Starts a service with this store.
    async fn start(&self, name: &str) -> Result<(), Mismatch> {
        let db = Db::open(&self.database).await.expect("opens");
        start(&db, &self.store(name)).await
    }

    /// The store that the database is bound to.
    async fn bound(&self) -> Option<StoreId> {
        let db = Db::open(&self.database).await.expect("opens");
        installation::get(&db, AllTenants::Instance).await.expect("answers").store
    }
}

fn open(root: &Path) -> Store {
    Store::open(&StoreConfig::Local { root: root.to_owned() }).expect("opens")
}

async fn start(db: &Db, store: &Store) -> Result<(), Mismatch> {
    match identity::agree(db, store).await {
        Ok(()) => Ok(()),
        Err(IdentityError::Mismatch(mismatch)) => Err(mismatch),
        Err(other) => panic!("{other:?}"),
    }
}

cases! {
    async fn a_store_is_its_databases_from_the_first_start(engine) {
        let site = Site::new(&engine).await;
        assert_eq!(site.bound().await, None);
        assert_eq!(site.start("files").await, Ok(()));
        let bound = site.bound().await;
        let named = site.store("files").identity().await.expect("read").map(|identity| identity.store);
        assert!(bound.is_some() && bound == named, "{bound:?} {named:?}");
        assert_eq!(site.start("files").await, Ok(()));
        assert_eq!(site.bound().await, bound, "the store keeps its id");
        assert_eq!(site.start("other").await, Err(Mismatch::NewStore));
        std::fs::remove_file(site.folder.path().join("files").join(IDENTITY_FILE)).expect("removed");
        assert_eq!(site.start("files").await, Err(Mismatch::NewStore), "it may not be the same store");
        assert_eq!(site.bound().await, bound);
    }

    async fn a_store_of_another_database_is_refused(engine) {
        let (site, other) = (Site::new(&engine).await, Site::new(&engine).await);
        assert_eq!(other.start("files").await, Ok(()));
        let files = other.folder.path().join("files");
        let db = Db::open(&site.database).await.expect("opens");
        assert_eq!(start(&db, &open(&files)).await, Err(Mismatch::OtherDatabase), "before it has a store");
        assert_eq!(site.start("files").await, Ok(()));
        assert_eq!(start(&db, &open(&files)).await, Err(Mismatch::OtherDatabase), "and after");
        let adopted = identity::adopt(&db, &open(&files)).await;
        assert!(matches!(adopted, Err(IdentityError::Mismatch(Mismatch::OtherDatabase))), "{adopted:?}");
        assert_eq!(other.start("files").await, Ok(()), "the other store is unchanged");
    }

    async fn a_first_start_that_was_interrupted_is_gone_on_with(engine) {
        let site = Site::new(&engine).await;
        let db = Db::open(&site.database).await.expect("opens");
        let tenant = installation::get(&db, AllTenants::Instance).await.expect("answers").operating_tenant;
        let first = Identity { store: StoreId::new(), tenant };
        site.store("files").claim(first).await.expect("claimed");
        assert_eq!(site.start("files").await, Ok(()));
        assert_eq!(site.bound().await, Some(first.store));
    }

    async fn of_first_starts_at_once_those_with_one_store_agree(engine) {
        let site = Site::new(&engine).await;
        // Four services have one store, two another: whichever is first, all starts with that store succeed.
        let mut starts = tokio::task::JoinSet::new();
        for n in 0..6 {
            let db = Db::open(&site.database).await.expect("opens");
            let (name, store) = if n % 3 == 2 { ("other", site.store("other")) } else { ("files", site.store("files")) };
            starts.spawn(async move { (name, start(&db, &store).await) });
        }
        let ended = starts.join_all().await;
        let bound = site.bound().await.expect("one was first");
        for (name, result) in ended {
            let named = site.store(name).identity().await.expect("read").map(|identity| identity.store);
            let expected = named == Some(bound);
            assert_eq!(result.is_ok(), expected, "{name}: {result:?}");
        }
        let later = [site.start("files").await, site.start("other").await];
        assert_eq!(later.iter().filter(|result| result.is_ok()).count(), 1, "{later:?}");
    }

    async fn an_adopted_store_takes_the_place_of_the_one_before(engine) {
        let site = Site::new(&engine).await;
        assert_eq!(site.start("files").await, Ok(()));
        std::fs::create_dir(site.folder.path().join("moved")).expect("a folder");
        let db = Db::open(&site.database).await.expect("opens");
        identity::adopt(&db, &site.store("moved")).await.expect("adopted");
        assert_eq!(site.start("moved").await, Ok(()));
        assert_eq!(site.start("files").await, Err(Mismatch::OtherStore));
    }
}

#[test]
fn places_are_told_without_secrets() {
    let url = "postgres://packshot:ge@heim@db.example:5433/shop?sslmode=disable&password=geheim".to_owned();
    let bucket = packshot_service::store::BucketConfig {
        bucket: "pictures".to_owned(),
        prefix: "shop/".to_owned(),
        region: "eu-central-1".to_owned(),
        endpoint: Some("https://name:geheim@s3.example".to_owned()),
        access_key_id: Some("geheim".to_owned()),
        secret_access_key: Some("geheim".to_owned()),
        allow_http: false,
    };
    let fault = ServeError::Mismatch {
        database: DatabaseConfig::Postgres { urls: PostgresUrls::One(url), max_connections: 1 }.to_string(),
        store: StoreConfig::Bucket { bucket, spool: "spool".into() }.to_string(),
        mismatch: Mismatch::OtherStore,
    }
    .fault();
    assert_eq!(fault.code, "serve.store_mismatch");
    assert!(fault.at.contains("s3://pictures/shop/") && !format!("{fault:?}").contains("heim"), "{fault:?}");
}
