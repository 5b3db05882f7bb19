//! M10, M43–M50: media assets as one ZIP.

use std::fs;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::process::Command;
use std::time::Duration;

use packshot_db::artifacts::{NewFile, NewPackage, WholePackage};
use packshot_db::media::uploading::{self, NewUpload};
use packshot_db::objects::{self, NewObject};
use packshot_db::tasks::OutputFile;
use packshot_db::testing::tamper;
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::{ArtifactFile, ByteSize, EventActor, Metadata, Receipt, RetentionClass};
use packshot_domain::audit::Actor;
use packshot_domain::hash::{ContentAddress, Digests, GroupHasher, Sha256Digest};
use packshot_domain::id::{AssetId, FileId, PackageId};
use reqwest::Method;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::app::{Guest, Reply, TestApp, id, token};
use crate::log_lines;
use crate::media_files::{arrived, file, noise, picture, sent};

const DOWNLOADS: &str = "/api/v1/media-downloads";
const GIB: u64 = 1 << 30;

async fn ask(guest: &Guest<'_>, wanted: &Value) -> Reply {
    guest.send(Method::POST, DOWNLOADS, wanted).await
}

/// A set that is made: what was answered.
async fn set_of(guest: &Guest<'_>, wanted: Value) -> Value {
    let made = ask(guest, &wanted).await;
    assert_eq!(made.status, 201, "{wanted}: {}", made.text());
    made.json()
}

fn ids(assets: &[Value]) -> Vec<String> {
    assets.iter().map(id).collect()
}

/// Fetches what anybody may who has the link.
fn fetch(app: &TestApp, set: &Value) -> reqwest::RequestBuilder {
    reqwest::Client::new().get(format!("{}{}", app.base, set["url"].as_str().expect("a link")))
}

/// The entries of an archive with their bytes, in their order.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(archive)).expect("an archive");
    let entry = |at: usize, zip: &mut ZipArchive<Cursor<&[u8]>>| {
        let mut file = zip.by_index(at).expect("an entry");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("its CRC fits");
        (file.name().expect("a name").into_owned(), bytes)
    };
    (0..zip.len()).map(|at| entry(at, &mut zip)).collect()
}

fn names(archive: &[u8]) -> Vec<String> {
    entries(archive).into_iter().map(|(name, _)| name).collect()
}

/// Says that an asset is not kept any more, or is gone.
async fn change(app: &TestApp, name: &str, sql: &str) {
    tamper(&app.db, app.scope().await, &format!("{sql} WHERE file_name = '{name}'")).await.expect("changed");
}

/// Records assets of a file that exists once, without its bytes; `None` for digests that are not those of the file.
async fn of_one_file(app: &TestApp, digests: &Digests, n: u32) -> Vec<AssetId> {
    let scope = app.scope().await;
    objects::record(&app.db, scope, NewObject::hashed(digests, "image/png")).await.expect("recorded");
    let size = ByteSize::new(digests.size_bytes).expect("a size");
    let mut assets = Vec::new();
    for i in 0..n {
        let name = format!("large {i}.png");
        let text = |text: &str| text.parse().expect("a label");
        let made = ArtifactFile {
            id: FileId::new(),
            path: name.parse().expect("a path"),
            media_type: "image/png".parse().expect("a media type"),
            size,
            address: digests.address,
            sha256: digests.sha256,
        };
        let receipt = Receipt { backend: app.store.backend(), size, stored_at: app.db.now().await.expect("the time") };
        let package = NewPackage {
            id: PackageId::new(),
            name: text("p"),
            producer: text("prod"),
            subject: text("sub"),
            retention_class: RetentionClass::RenderOutput,
            metadata: Metadata::default(),
        };
        let new = NewUpload {
            id: AssetId::new(),
            file: OutputFile {
                name,
                format: "png".to_owned(),
                media_type: "image/png".to_owned(),
                address: digests.address,
                size_bytes: digests.size_bytes as i64,
                width: Some(1),
                height: Some(1),
                movie: None,
            },
            package: WholePackage { by: EventActor::System, package, files: vec![NewFile { file: made, receipt }] },
            product: None,
            line: None,
            view_name: None,
            metadata: json!({}),
            is_published: true,
            by: Actor::system(),
        };
        assets.push(uploading::create(&app.db, scope, new).await.expect("recorded").id);
    }
    assets
}

/// A ZIP on the service, for a reader that looks at parts of it.
struct Remote {
    url: String,
    at: u64,
    size_bytes: u64,
    runtime: tokio::runtime::Handle,
}

impl Read for Remote {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = (out.len() as u64).min(self.size_bytes.saturating_sub(self.at)).min(1 << 16);
        if n == 0 {
            return Ok(0);
        }
        let range = format!("bytes={}-{}", self.at, self.at + n - 1);
        let request = reqwest::Client::new().get(&self.url).header("range", range);
        let bytes = self.runtime.block_on(async { request.send().await.expect("an answer").bytes().await });
        let bytes = bytes.expect("its body");
        assert_eq!(bytes.len() as u64, n);
        out[..bytes.len()].copy_from_slice(&bytes);
        self.at += n;
        Ok(bytes.len())
    }
}

impl Seek for Remote {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size_bytes.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// Runs a program that checks an archive, where it is installed.
fn checked_by(program: &str, arguments: &[&str]) -> bool {
    match Command::new(program).args(arguments).output() {
        Ok(done) => {
            assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
            true
        }
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => false,
        Err(reason) => panic!("{program}: {reason}"),
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn m10_m46_m47_m49_a_zip_has_the_chosen_files_under_harmless_names(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let product = guest.send(Method::POST, "/api/v1/products", &json!({"pim_id": "F-81113/\u{fc}", "name": "Lager"})).await.json();
        let of_product = json!({"product_id": id(&product)});
        let named = |name: &str| json!({"product_id": id(&product), "file_name": name});
        let mut assets = Vec::new();
        for (n, name) in ["a.png", "a.png", "CON.png", "a:b?.png", "Geh\u{e4}use.png"].into_iter().enumerate() {
            assets.push(sent(&guest, "x.png", picture(4 + n as u32, 4, 1.0), named(name)).await);
        }
        let other = sent(&guest, "other.png", picture(12, 4, 1.0), json!({})).await;
        // M10: chosen ones, byte for byte.
        let chosen = [assets[0].clone(), assets[4].clone(), other.clone()];
        let set = set_of(&guest, json!({"asset_ids": ids(&chosen)})).await;
        assert_eq!((&set["files"], &set["skipped"]), (&json!(3), &json!([])));
        let got = Reply::of(fetch(&app, &set)).await;
        assert_eq!((got.status, got.header("content-type")), (200, Some("application/zip")));
        let found = entries(&got.body);
        let expected = [("media/other.png", &other), ("F-81113_\u{fc}/Geh\u{e4}use.png", &assets[4]), ("F-81113_\u{fc}/a.png", &assets[0])];
        assert_eq!(found.len(), 3);
        for ((name, bytes), (expected, asset)) in found.iter().zip(expected) {
            assert_eq!((name.as_str(), &ContentAddress::of(bytes).to_string()), (expected, &asset["file_hash"].as_str().expect("a hash").to_owned()));
        }
        // M46: those of a list, in its order; M47: under harmless names.
        let list = guest.get(&format!("/api/media/assets?product_id={}", id(&product))).await.json();
        let set = set_of(&guest, json!({"filter": of_product})).await;
        let got = Reply::of(fetch(&app, &set)).await;
        let hashes: Vec<Value> = entries(&got.body).iter().map(|(_, bytes)| json!(ContentAddress::of(bytes).to_string())).collect();
        let listed: Vec<Value> = list["items"].as_array().expect("assets").iter().map(|asset| asset["file_hash"].clone()).collect();
        assert_eq!(hashes, listed);
        let own: Vec<String> = names(&got.body).iter().map(|name| name.split_once('/').expect("a folder").1.to_owned()).collect();
        assert_eq!(own, ["Geh\u{e4}use.png", "a_b_.png", "_CON.png", "a.png", "a (2).png"]);
        for (wanted, pointer) in [
            (json!({"asset_ids": ids(&assets), "filter": of_product}), ""),
            (json!({"filter": {"colour": "red"}}), "/filter/colour"),
            (json!({"filter": {"asset_type": "film"}}), "/filter/asset_type"),
            (json!({}), ""),
        ] {
            let refused = ask(&guest, &wanted).await;
            assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", refused.text());
        }
        // M49: what is missing is said, and what is there is sent.
        change(&app, "CON.png", "UPDATE media_assets SET state = 'expired'").await;
        let (tenant, foreign_key) = app.tenant_key("alpha", Role::ProjectManager, &[Scope::Admin]).await;
        let foreign = sent(&app.with_key(&foreign_key), "x.png", picture(4, 4, 1.0), json!({})).await;
        assert_eq!(foreign["tenant_id"], json!(tenant.to_string()));
        let some = [assets[0].clone(), assets[1].clone(), assets[2].clone(), foreign.clone(), other];
        let set = set_of(&guest, json!({"asset_ids": ids(&some)})).await;
        assert_eq!(set["files"], 3);
        let skipped = json!([{"asset_id": id(&assets[2]), "code": "asset_expired"}, {"asset_id": id(&foreign), "code": "asset_not_found"}]);
        assert_eq!(set["skipped"], skipped);
        for wanted in [json!([id(&foreign), id(&assets[2])]), json!([])] {
            assert_eq!(ask(&guest, &json!({"asset_ids": wanted})).await.problem(), (422, "download_empty".to_owned()));
        }
        // A client finds nothing of what is no order of theirs.
        let (_, key) = app.tenant_key("beta", Role::Client, &[Scope::Admin]).await;
        let refused = ask(&app.with_key(&key), &json!({"asset_ids": ids(&assets)})).await;
        assert_eq!(refused.problem(), (422, "download_empty".to_owned()));
    }

    async fn m43_m44_a_zip_is_whole_for_other_programs_and_goes_on_where_it_broke_off(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let mut assets = Vec::new();
        for n in 0..40 {
            assets.push(sent(&guest, &format!("Bild \u{fc} {n}.png"), noise(20 + n), json!({})).await);
        }
        assets.push(sent(&guest, "large.png", noise(600), json!({})).await);
        let set = set_of(&guest, json!({"asset_ids": ids(&assets)})).await;
        let idle: Vec<_> = crate::app::files_below(app.folder.path());
        let got = Reply::of(fetch(&app, &set)).await;
        assert_eq!(crate::app::files_below(app.folder.path()), idle, "no file is made");
        let length = got.body.len().to_string();
        assert_eq!((got.header("content-length"), &set["size_bytes"]), (Some(length.as_str()), &json!(got.body.len())));
        let tag = got.header("etag").expect("a tag").to_owned();
        assert!(tag.starts_with("\"blake3:") && got.header("accept-ranges") == Some("bytes"));
        assert_eq!(entries(&got.body).len(), 41);
        let path = app.folder.path().join("got.zip");
        let path = path.to_str().expect("UTF-8");
        fs::write(path, &got.body).expect("written");
        let python = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None and len(z.namelist()) == 41";
        if !checked_by("python3", &["-c", python, path]) {
            println!("skipped: python3 is not installed");
        }
        let others = [("unzip", vec!["-tq", path]), ("bsdtar", vec!["-tf", path]), ("7z", vec!["t", path])];
        if others.iter().filter(|(program, arguments)| checked_by(program, arguments)).count() == 0 {
            println!("skipped: unzip, bsdtar or 7z is not installed");
        }

        // M44: cut anywhere, and continued.
        for at in [1, 29, got.body.len() / 3, got.body.len() - 30] {
            let rest = fetch(&app, &set).header("range", format!("bytes={at}-")).header("if-range", &tag);
            let rest = Reply::of(rest).await;
            assert_eq!((rest.status, &rest.body[..]), (206, &got.body[at..]));
            let range = format!("bytes {at}-{}/{}", got.body.len() - 1, got.body.len());
            assert_eq!(rest.header("content-range"), Some(range.as_str()));
        }
        let other = Reply::of(fetch(&app, &set).header("range", "bytes=9-").header("if-range", "\"other\"")).await;
        assert_eq!((other.status, &other.body), (200, &got.body), "of another ZIP there is no rest");
        let beyond = Reply::of(fetch(&app, &set).header("range", format!("bytes={length}-"))).await;
        assert_eq!(beyond.problem(), (416, "range_not_satisfiable".to_owned()));
        let known = Reply::of(fetch(&app, &set).header("if-none-match", &tag)).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        let url = format!("{}{}", app.base, set["url"].as_str().expect("a link"));
        let head = Reply::of(reqwest::Client::new().head(url)).await;
        assert_eq!((head.status, head.header("content-length"), head.header("etag")), (200, Some(length.as_str()), Some(tag.as_str())));
        // The same set, asked for in another order, is the same ZIP.
        assets.reverse();
        let again = set_of(&guest, json!({"asset_ids": ids(&assets)})).await;
        let again = Reply::of(fetch(&app, &again)).await;
        assert!(again.body == got.body && again.header("etag") == Some(tag.as_str()));
    }

    async fn m45_m50_five_gib_open_and_a_reader_who_leaves_stops_the_reading(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let little = sent(&guest, "little.png", picture(8, 8, 1.0), json!({})).await;
        // A file of zeros, which takes no room on the disk.
        let mut hasher = GroupHasher::default();
        let zeros = vec![0; 1 << 20];
        (0..GIB >> 20).for_each(|_| hasher.update(&zeros));
        let (address, groups) = hasher.finish();
        let sha256 = Sha256Digest::of_bytes(b"not compared here");
        let digests = Digests { address, sha256, groups, crc32: 0, size_bytes: GIB };
        let path = file(&app, &address.to_string()).await;
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::File::create(&path).expect("made").set_len(GIB).expect("sparse");
        let large = of_one_file(&app, &digests, 5).await;
        let mut wanted: Vec<String> = large.iter().map(ToString::to_string).collect();
        wanted.push(id(&little));
        let set = set_of(&guest, json!({"asset_ids": wanted})).await;
        let size_bytes = set["size_bytes"].as_u64().expect("a size");
        assert!(size_bytes > 5 * GIB);
        let remote = Remote {
            url: format!("{}{}", app.base, set["url"].as_str().expect("a link")),
            at: 0,
            size_bytes,
            runtime: tokio::runtime::Handle::current(),
        };
        let found = tokio::task::spawn_blocking(move || {
            let mut zip = ZipArchive::new(io::BufReader::with_capacity(1 << 15, remote)).expect("an archive");
            let last = zip.len() - 1;
            let mut bytes = Vec::new();
            let mut file = zip.by_index(last).expect("an entry");
            file.read_to_end(&mut bytes).expect("its CRC fits");
            (last, file.name().expect("a name").into_owned(), ContentAddress::of(&bytes).to_string())
        });
        let found = found.await.expect("read");
        assert_eq!((found.0, found.1.as_str(), json!(found.2)), (5, "media/little.png", little["file_hash"].clone()));
        // M45: limits.
        let too_large = Digests { address: ContentAddress::of(b"nowhere"), size_bytes: 20 * GIB + 1, ..digests };
        let beyond = of_one_file(&app, &too_large, 1).await;
        let many: Vec<String> = (0..5_001).map(|_| AssetId::new().to_string()).collect();
        for wanted in [json!([beyond[0].to_string()]), json!(many)] {
            assert_eq!(ask(&guest, &json!({"asset_ids": wanted})).await.problem(), (422, "download_too_large".to_owned()));
        }

        // M50: who leaves is not read for any more.
        let mut response = fetch(&app, &set).send().await.expect("an answer");
        assert!(response.chunk().await.expect("a piece").is_some());
        drop(response);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let read = app.store.bytes_read();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(app.store.bytes_read(), read, "nothing more is read");
        assert!(read < 200 << 20, "{read} bytes were read");
        if let Ok(handles) = fs::read_dir("/proc/self/fd") {
            let open: Vec<_> = handles.flatten().filter_map(|handle| fs::read_link(handle.path()).ok()).collect();
            assert!(open.iter().all(|target| *target != path), "its file is closed");
        }
    }

    async fn m43_m48_a_ticket_opens_one_set_for_a_while_and_as_long_as_its_owner_may(engine) {
        log_lines::keep();
        let app = TestApp::idle(&engine).await;
        let admin = app.set_up("ada@example.com").await;
        let admin_token = token(&admin).to_owned();
        let admin = app.with_key(&admin_token);
        let tenant = app.scope().await.tenant;
        let anna = app.person(tenant, "anna@example.com", Role::ProjectManager).await;
        let own = token(&anna).to_owned();
        let guest = app.with_key(&own);
        let mut assets = vec![sent(&guest, "a.png", picture(4, 4, 1.0), json!({})).await];
        assets.push(sent(&guest, "b.png", noise(600), json!({})).await);
        assets.push(sent(&guest, "c.png", noise(300), json!({})).await);
        let set = set_of(&guest, json!({"asset_ids": ids(&assets)})).await;
        let url = set["url"].as_str().expect("a link").to_owned();
        let ticket = url.strip_prefix("/api/v1/media-downloads/").and_then(|rest| rest.strip_suffix(".zip")).expect("a ticket");
        assert_eq!(ticket.len(), 43);
        let whole = Reply::of(fetch(&app, &set)).await;
        assert_eq!(whole.status, 200, "{}", whole.text());
        let not_found = (404, "download_not_found".to_owned());
        let other = if ticket.ends_with('a') { "b" } else { "a" };
        for path in [
            format!("{DOWNLOADS}/{}{other}.zip", &ticket[..42]),
            format!("{DOWNLOADS}/{}.zip", &ticket[..42]),
            format!("{DOWNLOADS}/{ticket}"),
            format!("{DOWNLOADS}/{}.zip", id(&set)),
        ] {
            let reply = Reply::of(reqwest::Client::new().get(format!("{}{path}", app.base))).await;
            assert_eq!(reply.problem(), not_found, "{path}");
        }
        // Another set has another ticket, and an answer that is repeated has none.
        let one = json!({"asset_ids": [id(&assets[0])]});
        let once = || guest.request(Method::POST, DOWNLOADS).header("idempotency-key", "one").json(&one);
        let (first, second) = (Reply::of(once()).await.json(), Reply::of(once()).await);
        assert_eq!(second.header("location"), None);
        let second = second.json();
        assert_eq!(names(&Reply::of(fetch(&app, &first)).await.body), ["media/a.png"]);
        assert_eq!((&second["id"], &second["url"]), (&first["id"], &json!(null)));

        // M43: what is damaged, or deleted meanwhile, breaks the connection off.
        let stored = file(&app, assets[1]["file_hash"].as_str().expect("a hash")).await;
        let good = fs::read(&stored).expect("there");
        let mut damaged = good.clone();
        damaged[1_100_000] ^= 1;
        fs::write(&stored, damaged).expect("written");
        let (status, bytes, is_whole) = arrived(fetch(&app, &set)).await;
        assert_eq!((status, is_whole), (200, false));
        assert!(bytes.len() < whole.body.len() && whole.body.starts_with(&bytes), "{} bytes", bytes.len());
        fs::write(&stored, good).expect("mended");
        objects::heal(&app.db, app.scope().await, assets[1]["file_hash"].as_str().expect("a hash").parse().expect("an address")).await.expect("healed");
        assert_eq!(Reply::of(fetch(&app, &set)).await.body, whole.body);
        change(&app, "b.png", "DELETE FROM media_assets").await;
        let (status, bytes, is_whole) = arrived(fetch(&app, &set)).await;
        assert_eq!((status, is_whole), (200, false));
        assert!(!bytes.is_empty() && whole.body.starts_with(&bytes));
        // Where nothing has been sent yet, what is wrong is answered.
        let stored = file(&app, assets[2]["file_hash"].as_str().expect("a hash")).await;
        fs::write(&stored, b"other bytes").expect("written");
        assert_eq!(Reply::of(fetch(&app, &set)).await.problem(), (500, "content_corrupt".to_owned()));

        // M48: its owner loses the right, and its time ends.
        let of_anna = format!("/api/v1/users/{}", id(&anna["user"]));
        assert_eq!(admin.send(Method::PATCH, &of_anna, &json!({"is_active": false})).await.status, 200);
        assert_eq!(Reply::of(fetch(&app, &first)).await.problem(), not_found);
        assert_eq!(admin.send(Method::PATCH, &of_anna, &json!({"is_active": true})).await.status, 200);
        assert_eq!(Reply::of(fetch(&app, &first)).await.status, 200);
        app.db.move_clock(600_000 - 30_000);
        assert_eq!(Reply::of(fetch(&app, &first)).await.status, 200);
        app.db.move_clock(31_000);
        assert_eq!(Reply::of(fetch(&app, &first)).await.problem(), not_found);
        let expired = packshot_db::media::downloads::expire(&app.db, packshot_db::AllTenants::Housekeeping).await;
        assert_eq!(expired.expect("removed"), 2);
        let of_first = first["url"].as_str().expect("a link").trim_start_matches("/api/v1/media-downloads/").trim_end_matches(".zip").to_owned();
        for secret in [ticket, &of_first] {
            assert!(log_lines::so_far().iter().all(|line| !line.contains(secret)), "a ticket is in the log");
        }
        assert!(log_lines::so_far().iter().any(|line| line.contains("/api/v1/media-downloads/\u{2026}")), "requests are in the log");
    }
}
