//! A58, A59, A63, A67, R17, R86, R91: the packages of renders, and what is sent for as long as they are kept.

use futures_util::future::BoxFuture;
use packshot_db::artifacts::files::{self, FileRecord};
use packshot_db::artifacts::{self, Package, PackageFilter, collection};
use packshot_db::{PageRequest, objects};
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::{PackageStatus, RetentionClass};
use packshot_domain::hash::ContentAddress;
use packshot_service::store::StoreError;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Reply, TestApp, endless, id, small, token};
use crate::glb::Glb;

const ALL: PageRequest = PageRequest { limit: 200, after: None };
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// [`small`] with other members.
fn with(members: Value) -> Value {
    let mut request = small();
    for (name, value) in members.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

async fn listed(app: &TestApp, filter: PackageFilter) -> Vec<Package> {
    artifacts::list(&app.db, app.scope().await, filter, ALL).await.expect("a page").items
}

/// All packages of a job.
async fn packages(app: &TestApp, job: &Value) -> Vec<Package> {
    let subject = format!("render:{}", id(job)).parse().expect("a subject");
    listed(app, PackageFilter { subject: Some(subject), ..PackageFilter::default() }).await
}

/// The only package of a job with this name.
async fn named(app: &TestApp, job: &Value, name: &str) -> Package {
    let mut found: Vec<Package> = packages(app, job).await;
    found.retain(|package| package.name.as_str() == name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}

/// The package with the result of a job.
async fn result(app: &TestApp, job: &Value) -> Package {
    named(app, job, &format!("render {}", id(job))).await
}

/// The packages of what a job is made of.
async fn uploads(app: &TestApp, job: &Value) -> Vec<Package> {
    let mut found = packages(app, job).await;
    found.retain(|package| package.producer.as_str() == "upload");
    found
}

async fn files_of(app: &TestApp, package: &Package) -> Vec<FileRecord> {
    files::all_of_package(&app.db, app.scope().await, package.id).await.expect("files")
}

/// The paths and addresses of a package's files.
async fn contents(app: &TestApp, package: &Package) -> Vec<(String, String)> {
    let files = files_of(app, package).await.into_iter();
    files.map(|record| (record.file.path.to_string(), record.file.address.to_string())).collect()
}

/// Lets go of what is due, and removes what nothing names.
async fn collect(app: &TestApp) {
    let (store, scope) = (app.store.clone(), app.scope().await);
    let remove = move |address: ContentAddress| -> BoxFuture<'static, Result<(), StoreError>> {
        let store = store.clone();
        Box::pin(async move { store.delete(scope.tenant, &address).await })
    };
    collection::run(&app.db, scope, remove).await.expect("collected");
}

/// Submits a request of stored files and waits for its end.
async fn rendered(app: &TestApp, request: &Value, cache: &str) -> Value {
    let sent = app.request(Method::POST, "/api/v1/renders").header("cache-control", cache).json(request);
    let reply = Reply::of(sent).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let job = app.job_when(&id(&reply.json()), |job| job["completed_at"].is_string()).await;
    assert_eq!(job["state"], "completed", "{job}");
    job
}

/// The addresses of a job's files by name.
fn addresses(job: &Value) -> Vec<(&Value, &Value)> {
    let files = job["result"]["files"].as_array().unwrap_or_else(|| panic!("no files in {job}")).iter();
    files.map(|file| (&file["name"], &file["file_hash"])).collect()
}

/// What a file of a job is answered with.
async fn status(app: &TestApp, job: &Value, path: &str) -> u16 {
    app.get(&format!("/api/v1/renders/{}{path}", id(job))).await.status
}

cases! {
    async fn a58_a_render_is_a_package(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&with(json!({"formats": ["png", "exr"]}))).await;
        let package = result(&app, &job).await;
        assert_eq!((package.status, package.retention_class), (PackageStatus::Finalized, RetentionClass::RenderOutput));
        assert_eq!(package.producer.as_str(), format!("packshot/{}", env!("CARGO_PKG_VERSION")));
        assert_eq!((package.created_by.to_string(), package.manifest_digest.is_some()), ("system".to_owned(), true));
        let contents = contents(&app, &package).await;
        let stated = |path: &str| contents.iter().find(|(own, _)| own == path).map(|(_, address)| address.as_str());
        assert!(stated("report.json").is_some() && stated("shot.json").is_some(), "{contents:?}");
        for (name, hash) in addresses(&job) {
            assert_eq!(stated(name.as_str().expect("a name")), hash.as_str(), "{name}");
        }
        let bytes = files::manifest(&app.db, app.scope().await, package.id).await.expect("a manifest");
        assert_eq!(package.manifest_digest, Some(ContentAddress::of(&bytes)));

        let failed = app.render_of(b"no GLB".to_vec(), &small()).await;
        assert_eq!(failed["state"], "failed");
        let running = app.submit(&endless()).await;
        app.job_when(&id(&running), |job| job["state"] == "running").await;
        app.post(&format!("/api/v1/renders/{}/cancel", id(&running))).await;
        let cancelled = app.job_when(&id(&running), |job| job["state"] == "cancelled").await;
        for job in [failed, cancelled] {
            let (all, sent) = (packages(&app, &job).await, uploads(&app, &job).await);
            assert_eq!((all.len(), sent.len()), (1, 1), "what was sent, and nothing else: {all:?}");
        }
    }

    async fn a63_renders_are_found_by_what_they_were_made_of(engine) {
        let app = TestApp::start(&engine).await;
        let of_parts = Glb::parts(&["Left", "Right"]).bytes();
        let first = app.render(&small()).await;
        let again = app.render(&with(json!({"retention_class": "scratch"}))).await;
        assert_eq!(again["result"]["from_cache"], true);
        let other = app.render_of(of_parts.clone(), &small()).await;
        let clay = app.render_of(of_parts.clone(), &with(json!({"clay": true}))).await;
        let found = async |filter: PackageFilter| {
            let mut ids: Vec<_> = listed(&app, filter).await.into_iter().map(|package| package.id).collect();
            ids.sort();
            ids
        };
        let of_jobs = async |jobs: &[&Value]| {
            let mut ids = Vec::new();
            for job in jobs {
                ids.push(result(&app, job).await.id);
            }
            ids.sort();
            ids
        };
        for (scene, jobs) in [(Glb::body(), [&first, &again]), (of_parts, [&other, &clay])] {
            let scene = Some(ContentAddress::of(&scene));
            assert_eq!(found(PackageFilter { scene, ..PackageFilter::default() }).await, of_jobs(&jobs).await);
        }
        let digest = app.get("/api/v1/materials").await.json()["digest"].as_str().expect("a digest").to_owned();
        let library_digest = Some(format!("blake3:{digest}").parse().expect("an address"));
        let made_with = found(PackageFilter { library_digest, ..PackageFilter::default() }).await;
        assert_eq!(made_with, of_jobs(&[&first, &again, &other]).await);
        let job = Some(id(&again).parse().expect("a UUID"));
        assert_eq!(found(PackageFilter { job, ..PackageFilter::default() }).await, of_jobs(&[&again]).await);
    }

    async fn r86_a_result_is_gone_with_its_package(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&small()).await;
        let paths = ["/result.png", "/files/result.png", "/report.json", "/shot.json", "/preview.png"];
        for path in paths {
            assert_eq!(status(&app, &job, path).await, 200, "{path}");
        }
        app.db.move_clock(364 * DAY_MS);
        collect(&app).await;
        assert_eq!(status(&app, &job, "/result.png").await, 200);
        app.db.move_clock(2 * DAY_MS);
        collect(&app).await;
        for path in paths {
            let reply = app.get(&format!("/api/v1/renders/{}{path}", id(&job))).await;
            assert_eq!(reply.problem(), (410, "artifact_expired".to_owned()), "{path}");
        }
        assert_eq!(app.get(&format!("/api/v1/renders/{}", id(&job))).await.json()["state"], "completed");
        assert_eq!(result(&app, &job).await.status, PackageStatus::Expired);
        let again = app.render(&small()).await;
        assert_eq!(again["result"]["from_cache"], false);
        assert_eq!(addresses(&again), addresses(&job));
        assert_eq!(status(&app, &again, "/result.png").await, 200);
        assert_eq!(status(&app, &job, "/result.png").await, 410, "the bytes are there, and its package is not");
    }

    async fn r91_a_cached_job_has_its_own_package(engine) {
        let app = TestApp::start(&engine).await;
        let first = app.render(&with(json!({"retention_class": "scratch", "formats": ["png", "exr"]}))).await;
        let request = with(json!({"formats": ["png", "exr"]}));
        let second = app.render(&request).await;
        assert_eq!(second["result"]["from_cache"], true);
        let [of_first, of_second] = [result(&app, &first).await, result(&app, &second).await];
        assert_eq!(contents(&app, &of_first).await, contents(&app, &of_second).await);
        assert_eq!(
            [of_first.retention_class, of_second.retention_class],
            [RetentionClass::Scratch, RetentionClass::RenderOutput]
        );
        app.db.move_clock(DAY_MS + HOUR_MS);
        collect(&app).await;
        assert_eq!(status(&app, &first, "/result.png").await, 410);
        for path in ["/result.png", "/result.exr", "/report.json"] {
            assert_eq!(status(&app, &second, path).await, 200, "{path}");
        }
        let third = app.render(&request).await;
        assert_eq!((&third["result"]["from_cache"], addresses(&third)), (&json!(true), addresses(&first)));
        app.db.move_clock(366 * DAY_MS);
        collect(&app).await;
        assert_eq!(status(&app, &second, "/result.png").await, 410);
        let fourth = app.render(&request).await;
        assert_eq!((&fourth["result"]["from_cache"], addresses(&fourth)), (&json!(false), addresses(&first)));
    }

    async fn r17_a_deleted_render_takes_its_packages_along(engine) {
        let app = TestApp::start(&engine).await;
        for (class, expected) in [("render-output", PackageStatus::Deleted), ("raw-evidence", PackageStatus::Finalized)] {
            let job = app.render(&with(json!({"retention_class": class}))).await;
            assert_eq!(app.delete(&format!("/api/v1/renders/{}", id(&job))).await.status, 204);
            let left = packages(&app, &job).await;
            assert_eq!(left.len(), 2, "the product and the result: {left:?}");
            assert!(left.iter().all(|package| package.status == expected), "evidence is only deleted for a reason: {left:?}");
        }
    }

    on_postgres_in_the_soak:

    async fn a58_the_last_preview_is_a_package_too(engine) {
        let app = TestApp::start(&engine).await;
        let job = app.render(&with(json!({"formats": ["exr"]}))).await;
        let preview = named(&app, &job, &format!("preview {}", id(&job))).await;
        assert_eq!((preview.status, preview.retention_class), (PackageStatus::Finalized, RetentionClass::Preview));
        let contents = contents(&app, &preview).await;
        let shown = app.get(&format!("/api/v1/renders/{}/preview.png", id(&job))).await;
        assert_eq!(contents, [("preview.png".to_owned(), ContentAddress::of(&shown.body).to_string())]);
        let own = result(&app, &job).await;
        assert!(files_of(&app, &own).await.iter().all(|record| record.file.path.as_str() != "preview.png"));
    }

    async fn a59_the_class_is_that_of_the_request(engine) {
        let app = TestApp::start(&engine).await;
        for (seed, class) in RetentionClass::ALL.iter().enumerate() {
            let job = app.render(&with(json!({"retention_class": class.as_str(), "seed": seed}))).await;
            let package = result(&app, &job).await;
            assert_eq!((package.retention_class, package.expires_at.is_none()), (*class, class.ttl_s().is_none()));
            assert!(uploads(&app, &job).await.iter().all(|upload| upload.retention_class == *class));
        }
        let n_jobs = app.get("/api/v1/renders").await.json()["items"].as_array().map(Vec::len);
        let refused = Reply::of(app.rendering(Glb::body(), &with(json!({"retention_class": "for-ever"})))).await;
        assert_eq!(refused.problem(), (422, "unknown_retention_class".to_owned()));
        assert_eq!(app.get("/api/v1/renders").await.json()["items"].as_array().map(Vec::len), n_jobs);
    }

    async fn a67_what_a_render_is_made_of_is_kept_with_it(engine) {
        let app = TestApp::start(&engine).await;
        let (glb, scope) = (Glb::body(), app.scope().await);
        let scene = ContentAddress::of(&glb);
        let first = app.render_of(glb, &with(json!({"retention_class": "scratch"}))).await;
        let upload = uploads(&app, &first).await.pop().expect("a package");
        assert_eq!((upload.name.as_str(), upload.retention_class), ("product.glb", RetentionClass::Scratch));
        assert_eq!(contents(&app, &upload).await, [("product.glb".to_owned(), scene.to_string())]);
        let mut by_address = with(json!({"seed": 5}));
        by_address["asset"] = first["request"]["asset"].clone();
        let second = rendered(&app, &by_address, "no-cache").await;
        let own = uploads(&app, &second).await.pop().expect("a package");
        assert_eq!((own.name.as_str(), own.retention_class), ("scene", RetentionClass::RenderOutput));
        assert_eq!(contents(&app, &own).await, [("scene".to_owned(), scene.to_string())]);

        app.db.move_clock(DAY_MS + HOUR_MS);
        collect(&app).await;
        assert!(packages(&app, &first).await.iter().all(|package| package.status == PackageStatus::Expired));
        let made = app.get(&format!("/api/v1/renders/{}/provenance", id(&second))).await.json();
        assert_eq!(made["scene"]["content_address"], scene.to_string());
        let again = rendered(&app, &made["request"], "no-cache").await;
        assert_eq!(addresses(&again), addresses(&second), "A61");

        app.db.move_clock(366 * DAY_MS);
        collect(&app).await;
        assert_eq!(objects::find(&app.db, scope, scene).await.expect("a search"), None);
        assert!(!app.store.has(scope.tenant, &scene).await.expect("an answer"));
        let gone = Reply::of(app.request(Method::POST, "/api/v1/renders").json(&made["request"])).await;
        assert_eq!((gone.problem().0, gone.pointers()), (422, vec!["/asset/content_address".to_owned()]));
    }

    async fn a67_an_environment_map_has_its_package(engine) {
        let app = TestApp::idle(&engine).await;
        let map = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n\x80\x80\x80\x80\x80\x80\x80\x80".to_vec();
        let part = reqwest::multipart::Part::bytes(map.clone()).file_name("C:\\maps\\hall.hdr");
        let mut request = small();
        request["light"] = json!("environment");
        let form = crate::app::form(Glb::body(), Some(&request)).part("environment", part);
        let reply = Reply::of(app.request(Method::POST, "/api/v1/renders").multipart(form)).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        let package = named(&app, &reply.json(), "hall.hdr").await;
        assert_eq!((package.producer.as_str(), package.status), ("upload", PackageStatus::Finalized));
        assert_eq!(contents(&app, &package).await, [("hall.hdr".to_owned(), ContentAddress::of(&map).to_string())]);
        assert_eq!(uploads(&app, &reply.json()).await.len(), 2);
    }

    async fn a67_packages_name_who_sent_their_files(engine) {
        let app = TestApp::idle(&engine).await;
        let sender = async |job: &Value| uploads(&app, job).await.pop().expect("a package").created_by.to_string();
        assert_eq!(sender(&app.submit(&small()).await).await, "local");
        let key = app.operating_key(&[Scope::Admin]).await;
        let by_key = app.with_key(&key).submit(&small()).await;
        assert_eq!(sender(&by_key.json()).await, format!("key:{}", &key[..11]));
        let tokens = app.person(app.scope().await.tenant, "manager@test", Role::ProjectManager).await;
        let by_user = app.with_key(token(&tokens)).submit(&small()).await;
        assert!(sender(&by_user.json()).await.starts_with("user:"));
    }
}
