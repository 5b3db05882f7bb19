//! A10: files come back as they were taken.

use packshot_db::artifacts::{self, files};
use packshot_domain::artifact::RetentionClass;
use packshot_domain::id::PackageId;
use packshot_service::objects;

use crate::stage::{Stage, by};

cases! {
    async fn a10_files_come_back(engine) {
        let folder = tempfile::tempdir().expect("a folder");
        let config = engine.fresh(folder.path()).await.expect("a database");
        let stage = Stage::open(&config, &folder.path().join("store"), 0).await;
        let id = PackageId::new();
        stage.create(id, RetentionClass::RawEvidence).await;
        let contents: Vec<String> = (0..3).map(|i| format!("file content {i}").repeat(50)).collect();
        for (i, content) in contents.iter().enumerate() {
            stage.ingest(id, &format!("reports/{i}.txt"), content.as_bytes()).await;
        }
        artifacts::finalize(&stage.db, stage.scope, by(), id).await.expect("finalised");
        let records = files::all_of_package(&stage.db, stage.scope, id).await.expect("files");
        assert_eq!(records.len(), contents.len());
        for (record, content) in records.iter().zip(&contents) {
            let found = files::get(&stage.db, stage.scope, record.file.id).await.expect("the file");
            let bytes = objects::read(&stage.db, &stage.store, stage.scope, &found.file.address).await;
            assert_eq!(&bytes.expect("whole")[..], content.as_bytes(), "{}", record.file.path);
        }
        stage.close().await;
        engine.remove(&config).await.expect("its end");
    }
}
