//! M28–M36: the bytes of media assets, as they are and small, and what is sent to become one.

use std::io::Cursor;
use std::time::{Duration, Instant};

use packshot_db::testing::tamper;
use packshot_domain::access::{Role, Scope};
use packshot_domain::hash::ContentAddress;
use packshot_renderer::color::{DisplayImage, LinearImage};
use packshot_renderer::encode::movie::{MovieEncoder, MovieFormat, MovieSettings};
use packshot_renderer::encode::{ExrPrecision, Metadata, PngDepth, Quality, WebPCompression, exr_picture, png};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::app::{Guest, Reply, TestApp, files_below, id};

const ASSETS: &str = "/api/media/assets";

/// A file of an order line or of nobody, which somebody sends.
pub(crate) async fn send(guest: &Guest<'_>, name: &str, bytes: Vec<u8>, request: Value) -> Reply {
    let file = Part::bytes(bytes).file_name(name.to_owned());
    let form = Form::new().part("file", file).text("request", request.to_string());
    Reply::of(guest.request(Method::POST, ASSETS).multipart(form)).await
}

/// The same, which is accepted.
pub(crate) async fn sent(guest: &Guest<'_>, name: &str, bytes: Vec<u8>, request: Value) -> Value {
    let reply = send(guest, name, bytes, request).await;
    assert_eq!(reply.status, 201, "{name}: {}", reply.text());
    reply.json()
}

/// A picture of one colour, the left half of it with this alpha.
pub(crate) fn picture(width_px: u32, height_px: u32, alpha: f32) -> Vec<u8> {
    let texel = |i: u32| [0.8, 0.4, 0.2, if i % width_px < width_px / 2 { alpha } else { 1.0 }];
    let rgba = (0..width_px * height_px).map(texel).collect();
    png(&DisplayImage { width_px, height_px, rgba }, PngDepth::Eight, &Metadata::default()).expect("a PNG")
}

/// A picture that no compression makes small: about four bytes for each pixel.
pub(crate) fn noise(side_px: u32) -> Vec<u8> {
    let mut samples = vec![0; 4 * (side_px * side_px) as usize];
    blake3::Hasher::new().finalize_xof().fill(&mut samples);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side_px, side_px);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().expect("written").write_image_data(&samples).expect("written");
    file
}

fn movie(format: MovieFormat) -> Vec<u8> {
    let settings = MovieSettings { size_px: [64, 32], fps: 10, n_frames: 3 };
    let mut file = Cursor::new(Vec::new());
    let mut encoder = MovieEncoder::new(&mut file, format, settings, &Metadata::default()).expect("begun");
    for value in [0.9, 0.5, 0.1] {
        let rgba = vec![[value, value, value, 1.0]; 64 * 32];
        encoder.push(&DisplayImage { width_px: 64, height_px: 32, rgba }).expect("a frame");
    }
    encoder.finish().expect("a movie");
    file.into_inner()
}

/// Makes an asset that was sent one of another kind, with the bytes of another one.
async fn make_it(app: &TestApp, asset: &Value, (kind, media_type): (&str, &str), bytes_of: Option<&Value>) {
    let name = |asset: &Value| asset["file_name"].as_str().expect("a name").to_owned();
    let mut changes = format!("asset_type = '{kind}', media_type = '{media_type}'");
    if let Some(other) = bytes_of {
        let of =
            |column: &str| format!("(SELECT b.{column} FROM media_assets b WHERE b.file_name = '{}')", name(other));
        changes += &format!(
            ", address = {}, size_bytes = {}, package_id = {}",
            of("address"),
            of("size_bytes"),
            of("package_id")
        );
    }
    let sql = format!("UPDATE media_assets SET {changes} WHERE file_name = '{}'", name(asset));
    tamper(&app.db, app.scope().await, &sql).await.expect("changed");
}

/// The size of a PNG and its samples, as RGBA of 8 bits.
fn pixels(file: &[u8]) -> ([u32; 2], Vec<u8>) {
    let picture = image::load_from_memory(file).expect("a PNG").into_rgba8();
    ([picture.width(), picture.height()], picture.into_raw())
}

fn content(asset: &Value) -> String {
    format!("{ASSETS}/{}/content", id(asset))
}

fn thumbnail(asset: &Value, size_px: u32) -> String {
    format!("{ASSETS}/{}/thumbnail?size={size_px}", id(asset))
}

/// Where an object of the app's tenant lies.
pub(crate) async fn file(app: &TestApp, address: &str) -> std::path::PathBuf {
    let (tenant, hex) = (app.scope().await.tenant, address.parse::<ContentAddress>().expect("an address").hex());
    app.folder.path().join(format!("store/objects/{tenant}/{}/{}", &hex[..2], &hex[2..]))
}

/// What arrives of an answer's body, and whether that is all of it.
pub(crate) async fn arrived(request: reqwest::RequestBuilder) -> (u16, Vec<u8>, bool) {
    let mut response = request.send().await.expect("an answer");
    let (status, mut arrived) = (response.status().as_u16(), Vec::new());
    loop {
        match response.chunk().await {
            Ok(Some(piece)) => arrived.extend_from_slice(&piece),
            Ok(None) => return (status, arrived, true),
            Err(_) => return (status, arrived, false),
        }
    }
}

cases! {
    on_postgres_in_the_soak:
    async fn m28_m29_m30_m31_files_are_sent_in_parts_under_their_names_and_do_nothing(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        // M30: what follows a picture stays a part of its file.
        let mut bytes = picture(40, 20, 1.0);
        bytes.extend_from_slice(b"<html><script>alert(1)</script></html>");
        let asset = sent(&guest, "Geh\u{e4}use 1.png", bytes.clone(), json!({})).await;
        assert_eq!((&asset["asset_type"], &asset["media_type"]), (&json!("upload"), &json!("image/png")));
        let path = content(&asset);
        let whole = guest.get(&path).await;
        let tag = format!("\"{}\"", asset["file_hash"].as_str().expect("a hash"));
        assert_eq!((whole.status, whole.header("etag"), &whole.body[..]), (200, Some(tag.as_str()), &bytes[..]));
        assert_eq!((whole.header("content-type"), whole.header("x-content-type-options")), (Some("image/png"), Some("nosniff")));
        assert_eq!((whole.header("accept-ranges"), whole.header("content-disposition")), (Some("bytes"), None));
        let with = |name: &str, value: &str| Reply::of(guest.request(Method::GET, &path).header(name, value));
        let known = with("if-none-match", &tag).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        let part = with("range", "bytes=0-99").await;
        assert_eq!((part.status, &part.body[..]), (206, &bytes[..100]));
        assert_eq!(part.header("content-range"), Some(format!("bytes 0-99/{}", bytes.len()).as_str()));
        let beyond = with("range", &format!("bytes={}-", bytes.len())).await;
        assert_eq!(beyond.problem(), (416, "range_not_satisfiable".to_owned()));
        assert_eq!(beyond.header("content-range"), Some(format!("bytes */{}", bytes.len()).as_str()));
        let head = Reply::of(guest.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-type", "content-length", "etag", "accept-ranges", "x-content-type-options"] {
            assert!(whole.header(name).is_some() && head.header(name) == whole.header(name), "{name}");
        }
        // M29.
        let saved = guest.get(&format!("{path}?download=1")).await;
        let name = "attachment; filename=\"Gehause 1.png\"; filename*=UTF-8''Geh%C3%A4use%201.png";
        assert_eq!(saved.header("content-disposition"), Some(name));
        assert_eq!(guest.get(&format!("{path}?download=yes")).await.problem(), (422, "validation_failed".to_owned()));
        // M30: a drawing is saved, and has no rights where it is opened all the same; a page is not taken at all.
        let drawing = sent(&guest, "drawing.png", picture(8, 8, 1.0), json!({})).await;
        make_it(&app, &drawing, ("design", "image/svg+xml"), None).await;
        let svg = guest.get(&content(&drawing)).await;
        assert!(svg.header("content-disposition").is_some_and(|value| value.starts_with("attachment; ")));
        assert_eq!(svg.header("content-security-policy"), Some("sandbox; default-src 'none'"));
        assert_eq!(svg.header("x-content-type-options"), Some("nosniff"));
        let page = send(&guest, "page.png", b"<html><script>alert(1)</script></html>".to_vec(), json!({})).await;
        assert_eq!(page.problem(), (422, "unsupported_media_format".to_owned()));
        // M31.
        if MovieFormat::Mp4(Quality::DEFAULT).is_built() {
            let bytes = movie(MovieFormat::Mp4(Quality::DEFAULT));
            let film = sent(&guest, "film.mp4", bytes.clone(), json!({})).await;
            assert_eq!((&film["media_type"], &film["frame_count"], &film["duration_s"]), (&json!("video/mp4"), &json!(3), &json!(0.3)));
            assert_eq!((&film["width"], &film["height"]), (&json!(64), &json!(32)));
            for (range, expected) in [("bytes=10-29", &bytes[10..30]), ("bytes=-7", &bytes[bytes.len() - 7..])] {
                let part = Reply::of(guest.request(Method::GET, &content(&film)).header("range", range)).await;
                assert_eq!((part.status, &part.body[..], part.header("content-disposition")), (206, expected, None));
            }
        }
    }

    async fn m32_damaged_bytes_never_leave_and_are_told_of(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let bytes = noise(700);
        let asset = sent(&guest, "noise.png", bytes.clone(), json!({})).await;
        let small = guest.get(&thumbnail(&asset, 64)).await;
        assert_eq!(small.status, 200, "{}", small.text());
        let at = 1_200_000;
        let stored = file(&app, asset["file_hash"].as_str().expect("a hash")).await;
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(&stored, damaged).expect("written");
        let request = |range: Option<&str>| {
            let request = guest.request(Method::GET, &content(&asset));
            range.map_or_else(|| guest.request(Method::GET, &content(&asset)), |range| request.header("range", range))
        };
        let before = arrived(request(Some("bytes=100-199"))).await;
        assert_eq!((before.0, &before.1[..], before.2), (206, &bytes[100..200], true), "other groups are as they were");
        let (status, part, is_whole) = arrived(request(Some("bytes=1000000-1300000"))).await;
        assert_eq!((status, is_whole), (206, false), "the connection ends");
        assert!(part.len() < 300_001 && part[..] == bytes[1_000_000..1_000_000 + part.len()]);
        let alerts = guest.get("/api/v1/alerts?event_type=artifact.damaged&state=open").await.json();
        assert_eq!(alerts["items"][0]["data"]["asset_ids"], json!([id(&asset)]), "{alerts}");
        for range in [None, Some("bytes=100-199")] {
            assert_eq!(Reply::of(request(range)).await.problem(), (500, "content_corrupt".to_owned()));
        }
        let again = guest.get(&thumbnail(&asset, 64)).await;
        assert_eq!((again.status, &again.body), (200, &small.body), "it was made before");
        assert_eq!(guest.get(&thumbnail(&asset, 128)).await.problem(), (500, "content_corrupt".to_owned()));
    }

    async fn m33_m34_every_kind_of_asset_has_a_small_picture_or_none(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let asset = sent(&guest, "large.png", picture(1024, 512, 0.25), json!({})).await;
        let small = guest.get(&thumbnail(&asset, 256)).await;
        assert_eq!((small.status, small.header("content-type")), (200, Some("image/png")), "{}", small.text());
        assert_eq!((small.header("x-content-type-options"), small.header("vary")), (Some("nosniff"), Some("accept")));
        let (size_px, rgba) = pixels(&small.body);
        assert_eq!((size_px, rgba[..4].to_vec()), ([256, 128], vec![204, 102, 51, 64]), "transparent as it was");
        let tag = small.header("etag").expect("a tag").to_owned();
        assert!(!tag.contains(asset["file_hash"].as_str().expect("a hash")), "a tag of its own");
        let known = Reply::of(guest.request(Method::GET, &thumbnail(&asset, 256)).header("if-none-match", &tag)).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        // Made again, it is the same.
        let cached = files_below(&app.store.cache_root());
        assert_eq!(cached.len(), 1);
        std::fs::remove_dir_all(app.store.cache_root()).expect("emptied");
        let again = guest.get(&thumbnail(&asset, 256)).await;
        assert_eq!((&again.body, again.header("etag")), (&small.body, Some(tag.as_str())));
        let webp = Reply::of(guest.request(Method::GET, &thumbnail(&asset, 256)).header("accept", "image/webp,*/*")).await;
        assert_eq!((webp.header("content-type"), &webp.body[8..12]), (Some("image/webp"), &b"WEBP"[..]));
        assert_ne!(webp.header("etag"), Some(tag.as_str()));
        for path in [thumbnail(&asset, 300), thumbnail(&asset, 0)] {
            assert_eq!(guest.get(&path).await.problem(), (422, "validation_failed".to_owned()));
        }
        let little = sent(&guest, "little.png", picture(100, 50, 1.0), json!({})).await;
        assert_eq!(pixels(&guest.get(&thumbnail(&little, 512)).await.body).0, [100, 50], "never enlarged");
        let shown = guest.get(&format!("{ASSETS}/{}/thumbnail", id(&asset))).await;
        assert_eq!(shown.body, small.body, "256 pixels if nobody says another size");

        // M34.
        let webp = sent(&guest, "turn.webp", movie(MovieFormat::WebP(WebPCompression::Lossless)), json!({})).await;
        assert_eq!((&webp["frame_count"], &webp["duration_s"]), (&json!(3), &json!(0.3)));
        let mut first_frames = vec![webp];
        if MovieFormat::Mp4(Quality::DEFAULT).is_built() {
            first_frames.push(sent(&guest, "turn.mp4", movie(MovieFormat::Mp4(Quality::DEFAULT)), json!({})).await);
        }
        for film in &first_frames {
            let reply = guest.get(&thumbnail(film, 64)).await;
            assert_eq!(reply.status, 200, "{film}: {}", reply.text());
            let (size_px, rgba) = pixels(&reply.body);
            assert_eq!(size_px, [64, 32]);
            assert!(rgba[0].abs_diff(230) <= 3, "the first frame: {:?}", &rgba[..4]);
        }
        let linear = LinearImage { width_px: 8, height_px: 4, rgba: vec![[4.0, 4.0, 4.0, 1.0]; 32] };
        let exr = exr_picture(&linear, ExrPrecision::Half, &Metadata::default()).expect("an EXR");
        let scope = app.scope().await;
        let stored = crate::artifacts::Kept::make(&app, scope, &exr).await;
        let of_exr = sent(&guest, "linear.png", picture(8, 4, 1.0), json!({})).await;
        let sql = format!(
            "UPDATE media_assets SET asset_type = 'still', media_type = 'image/x-exr', address = '{}', package_id = \
             (SELECT f.package_id FROM artifact_files f WHERE f.content_address = '{}') WHERE file_name = 'linear.png'",
            stored.address, stored.address
        );
        tamper(&app.db, scope, &sql).await.expect("changed");
        let reply = guest.get(&thumbnail(&of_exr, 64)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let (size_px, rgba) = pixels(&reply.body);
        assert!(size_px == [8, 4] && (200..250).contains(&rgba[0]), "through AgX: {:?}", &rgba[..4]);

        // A model has the thumbnail of its product, if there is one.
        let product = guest.send(Method::POST, "/api/v1/products", &json!({"pim_id": "6204", "name": "Lager"})).await.json();
        let of_product = json!({"product_id": id(&product)});
        let model = sent(&guest, "model.png", picture(10, 10, 1.0), of_product.clone()).await;
        make_it(&app, &model, ("glb_geometry", "model/gltf-binary"), None).await;
        let none = guest.get(&thumbnail(&model, 64)).await;
        assert_eq!(none.problem(), (404, "thumbnail_not_available".to_owned()));
        let front = sent(&guest, "front.png", picture(128, 64, 1.0), of_product).await;
        let chosen = json!({"thumbnail_asset_id": id(&front)});
        let changed = guest.send(Method::PATCH, &format!("/api/v1/products/{}", id(&product)), &chosen).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let of_model = guest.get(&thumbnail(&model, 64)).await;
        assert_eq!((of_model.status, pixels(&of_model.body).0), (200, [64, 32]));
        // AVIF is not decoded: another file of the same render is.
        let twin = sent(&guest, "twin.png", picture(90, 30, 1.0), json!({})).await;
        let avif = sent(&guest, "twin-avif.png", picture(10, 10, 1.0), json!({})).await;
        make_it(&app, &avif, ("still", "image/avif"), None).await;
        assert_eq!(guest.get(&thumbnail(&avif, 64)).await.problem(), (404, "thumbnail_not_available".to_owned()));
        make_it(&app, &avif, ("still", "image/avif"), Some(&twin)).await;
        assert_eq!(pixels(&guest.get(&thumbnail(&avif, 64)).await.body).0, [64, 21]);
        let drawing = sent(&guest, "drawing.png", picture(8, 8, 1.0), json!({})).await;
        tamper(&app.db, scope, "UPDATE media_assets SET state = 'expired' WHERE file_name = 'drawing.png'").await.expect("changed");
        for path in [thumbnail(&drawing, 64), content(&drawing)] {
            assert_eq!(guest.get(&path).await.problem(), (410, "asset_expired".to_owned()));
        }
    }

    async fn m35_m36_uploads_are_what_they_seem_and_belong_where_they_were_sent(engine) {
        let app = TestApp::idle(&engine).await;
        let key = app.operating_key(&[Scope::Admin]).await;
        let guest = app.with_key(&key);
        let mut cut = Cursor::new(Vec::new());
        image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]))
            .write_to(&mut cut, image::ImageFormat::Jpeg)
            .expect("a JPEG");
        let jpeg = cut.into_inner();
        let good = sent(&guest, "photo.jpg", jpeg.clone(), json!({"publish": false, "view_name": "front_0deg", "metadata": {"by": "me"}})).await;
        assert_eq!((&good["state"], &good["published_at"], &good["view_name"]), (&json!("unpublished"), &json!(null), &json!("front_0deg")));
        assert_eq!((&good["media_type"], &good["metadata"]), (&json!("image/jpeg"), &json!({"by": "me"})));
        let before = app.stored_files().len();
        for (name, bytes, code) in [
            ("65,535 pixels square", huge(), "image_too_large"),
            ("a truncated JPEG", jpeg[..jpeg.len() / 2].to_vec(), "unsupported_media_format"),
            ("a text that inflates to 64 MiB", bomb(), "unsupported_media_format"),
            ("nothing", Vec::new(), "unsupported_media_format"),
            ("a truncated PNG", noise(64)[..9_000].to_vec(), "unsupported_media_format"),
            ("a model", b"glTF\x02\0\0\0".to_vec(), "unsupported_media_format"),
        ] {
            let (begun, memory) = (Instant::now(), new_peak_kib());
            let reply = send(&guest, "x.png", bytes, json!({})).await;
            assert_eq!(reply.problem(), (422, code.to_owned()), "{name}: {}", reply.text());
            assert_eq!(reply.json()["errors"][0]["pointer"], "/file", "{name}");
            // One second, on a machine that does nothing else.
            assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?}", begun.elapsed());
            let grown = peak_kib().saturating_sub(memory);
            assert!(is_alone() && grown < 64 << 10 || !is_alone(), "{name}: {grown} KiB");
        }
        assert_eq!(app.stored_files().len(), before, "no file is kept");

        // M36.
        let product = guest.send(Method::POST, "/api/v1/products", &json!({"pim_id": "6204", "name": "Lager"})).await.json();
        let asset = sent(&guest, "C:\\x\\front.png", picture(20, 10, 1.0), json!({"product_id": id(&product)})).await;
        assert_eq!((&asset["asset_type"], &asset["file_name"], &asset["state"]), (&json!("upload"), &json!("front.png"), &json!("published")));
        assert_eq!((&asset["product_id"], &asset["width"], &asset["height"], &asset["version"]), (&product["id"], &json!(20), &json!(10), &json!(1)));
        let gallery = guest.get(&format!("/api/v1/products/{}/media", id(&product))).await.json();
        let places = gallery["items"].as_array().expect("places");
        let place = |at: &Value| (at["position"].clone(), at["source"].clone(), at["asset"]["id"].clone());
        assert_eq!(places.iter().map(place).collect::<Vec<_>>(), [(json!(0), json!("upload"), asset["id"].clone())]);
        let package = guest.get(&format!("/api/v1/packages/{}", asset["package_id"].as_str().expect("a package"))).await.json();
        assert_eq!((&package["subject"], &package["retention_class"]), (&json!(format!("media_asset:{}", id(&asset))), &json!("render-output")));
        let missing = send(&guest, "a.png", picture(2, 2, 1.0), json!({"product_id": id(&asset)})).await;
        assert_eq!((missing.status, &missing.json()["errors"][0]["code"]), (422, &json!("product_not_found")), "{}", missing.text());
        let missing = send(&guest, "a.png", picture(2, 2, 1.0), json!({"order_line_id": id(&asset)})).await;
        assert_eq!((missing.status, &missing.json()["errors"][0]["code"]), (422, &json!("order_line_not_found")));
        let nothing = Form::new().text("request", "{}");
        let nothing = Reply::of(guest.request(Method::POST, ASSETS).multipart(nothing)).await;
        assert_eq!((nothing.status, &nothing.json()["errors"][0]["pointer"]), (422, &json!("/file")));
        // Sent twice under one key, it is one asset.
        let once = async || {
            let form = Form::new().part("file", Part::bytes(picture(3, 3, 1.0)).file_name("once.png"));
            Reply::of(guest.request(Method::POST, ASSETS).header("idempotency-key", "once").multipart(form)).await
        };
        let (first, second) = (once().await, once().await);
        assert_eq!((first.status, first.json()["id"].clone()), (201, second.json()["id"].clone()));
        let (_, key) = app.tenant_key("alpha", Role::Client, &[Scope::Admin]).await;
        let refused = send(&app.with_key(&key), "a.png", picture(2, 2, 1.0), json!({})).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    }
}

/// A PNG that says that it has 65,535 × 65,535 pixels, and has none.
fn huge() -> Vec<u8> {
    let mut file = noise(8);
    for at in [16, 20] {
        file[at..at + 4].copy_from_slice(&65_535_u32.to_be_bytes());
    }
    let crc = crc_of(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    file
}

/// A PNG with a text that is small in the file and very long when it is read.
fn bomb() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 4, 4);
    encoder.set_color(png::ColorType::Rgba);
    encoder.add_ztxt_chunk("Comment".to_owned(), " ".repeat(64 << 20)).expect("a text");
    encoder.write_header().expect("written").write_image_data(&[0; 64]).expect("written");
    assert!(file.len() < 2 << 20, "{} bytes", file.len());
    file
}

fn crc_of(bytes: &[u8]) -> u32 {
    packshot_domain::hash::Digests::of(bytes).crc32
}

/// The most memory that this process has had, where the system says it.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("0");
    line.split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(0)
}

/// Whether no other test runs in this process.
fn is_alone() -> bool {
    std::env::var_os("NEXTEST").is_some()
}

/// The same from now on.
fn new_peak_kib() -> u64 {
    // Where the system has no such file, it has no peak to read either.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak_kib()
}
