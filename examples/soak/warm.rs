//! What the service adds to a warm render: 256 × 256 pixels, 16 samples, of a product that is resident already.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use packshot_contract::client::Submission;
use packshot_pipeline::picture::Format;
use packshot_pipeline::product::{PartMaterials, Product};
use packshot_pipeline::render::{Renderer, RendererOptions, ResidentProduct};
use packshot_pipeline::request::{MaterialRequest, PartFilter};
use packshot_pipeline::taken::NeededVersions;
use packshot_renderer::backend::device::DeviceRequest;
use packshot_renderer::backend::{CancelToken, RenderControl};
use packshot_renderer::import::ImportOptions;
use packshot_renderer::sample;
use packshot_renderer::shot::request::{ShotRequest, build};
use serde_json::{Value, json};

use crate::Finding;
use crate::service::{Setup, percentile};

const SIDE_PX: u32 = 256;
const SAMPLES: u32 = 16;
/// Renders that do not count.
const WARM_UP: usize = 3;
/// What the service may add beside its fsyncs, of the time that the library takes: processors differ.
const OVERHEAD_SHARE_MAX: f64 = 0.05;
/// Fsyncs between the request and its answer: the commits of the submission, the claim, the record of the files and the
/// end; file and folder of the picture and of its report. While it renders, three reports a second are committed as
/// well.
const FSYNCS: u32 = 8;

/// The same picture by the library in this process and by the service over HTTP, in turns, so that what else the
/// machine does strikes both.
pub(crate) async fn run(setup: &Setup) -> Finding {
    let folder = tempfile::tempdir().expect("a folder");
    let service = setup.start(&folder.path().join("data"), &[], &[]);
    let glb = sample::bearing().glb;
    let library = Library::new(&glb);
    // The library below removes no noise.
    let picture = json!({ "width": SIDE_PX, "height": SIDE_PX, "samples": SAMPLES, "denoise": "off" });
    let Value::Object(request) = picture.clone() else { unreachable!("an object was written") };
    let first = Submission { request, ..Submission::of_glb(glb) };
    let first = service.client.submit(&first).await.expect("accepted");
    let asset = first.request.asset.and_then(|asset| asset.address()).map(|address| address.to_string());
    let mut request = picture;
    request["asset"] = json!({ "content_address": asset.expect("it was uploaded") });

    let client = reqwest::Client::new();
    let (mut alone, mut served) = (Vec::new(), Vec::new());
    // What the service adds to the sampling, and around it: the first is much noise and little else.
    let (mut in_sampling_s, mut around) = (Vec::new(), Vec::new());
    let mut faults = Vec::new();
    let mut fsyncs = Vec::new();
    let mut file = File::create(folder.path().join("data/fsync")).expect("a file");
    for round in 0..WARM_UP + setup.count(200) as usize {
        let begun = Instant::now();
        let (own, own_sampling_s) = tokio::task::block_in_place(|| library.picture());
        let by_library = begun.elapsed();
        let begun = Instant::now();
        let post = client.post(format!("http://{}/api/v1/renders", service.address));
        let post = post.header("Prefer", "wait=60").header("Accept", "image/png").header("Cache-Control", "no-cache");
        let answer = post.json(&request).send().await.expect("an answer");
        let status = answer.status();
        let png = answer.bytes().await.expect("a body");
        let by_service = begun.elapsed();
        if png[..] != own[..] {
            faults.push(format!("round {round}: status {status}, not the library's picture"));
        }
        if round >= WARM_UP {
            alone.push(by_library);
            served.push(by_service);
            let sampling_s = last_sampling_s(&format!("http://{}", service.address), &client).await;
            in_sampling_s.push(sampling_s - own_sampling_s);
            around.push(outside(by_service, sampling_s).saturating_sub(outside(by_library, own_sampling_s)));
            // In turns as well: what a disk is asked by others changes from one second to the next.
            fsyncs.extend(fsync(&mut file));
        }
    }
    in_sampling_s.sort_by(f64::total_cmp);
    let in_sampling_s = in_sampling_s[in_sampling_s.len() / 2];
    let (typical, fsync) = (percentile(&mut around, 0.5), percentile(&mut fsyncs, 0.5));
    let added = typical + Duration::from_secs_f64(in_sampling_s.max(0.0));
    let by_library = percentile(&mut alone, 0.5);
    let share = added.saturating_sub(fsync * FSYNCS).as_secs_f64() / by_library.as_secs_f64();
    if share > OVERHEAD_SHARE_MAX {
        faults.push(format!("beside its fsyncs the service adds {:.1} %", 1e2 * share));
    }
    faults.truncate(5);
    let figures = format!(
        "{} times each in turns, medians: library {by_library:.1?}, service {:.1?}; it adds {typical:.1?} around the sampling \
         (quartiles {:.1?} and {:.1?}) and {:.1} ms to it, within which are {FSYNCS} fsyncs of {fsync:.2?}; beside these {:.1} %",
        alone.len(),
        percentile(&mut served, 0.5),
        percentile(&mut around, 0.25),
        percentile(&mut around, 0.75),
        1e3 * in_sampling_s,
        1e2 * share,
    );
    Finding { what: "warm render".to_owned(), figures, faults }
}

/// The library with the product on its device.
struct Library {
    product: Product,
    resident: ResidentProduct,
    // Last, so that what lies on the device goes first.
    _renderer: Renderer,
}

impl Library {
    fn new(glb: &[u8]) -> Self {
        let cancel = CancelToken::default();
        let renderer = Renderer::new(&DeviceRequest::Cpu, RendererOptions::default()).expect("a CPU");
        let product = Product::import(glb, &ImportOptions::default(), &PartFilter::default(), &cancel);
        let product = product.expect("a sound file");
        let materials = PartMaterials::resolve(&product, &MaterialRequest::default());
        let resident = renderer.prepare(&product, &materials, None, &cancel).expect("room");
        Self { product, resident, _renderer: renderer }
    }

    /// From the shot to the bytes of the PNG, and how long was sampled for it.
    fn picture(&self) -> (Vec<u8>, f64) {
        let mut request = ShotRequest::default();
        (request.film.width_px, request.film.height_px, request.film.samples) = (SIDE_PX, SIDE_PX, SAMPLES);
        let (shot, _) = build(&request, &self.product.scene).expect("a sound shot");
        let ready = self.resident.ready(shot, NeededVersions::SAMPLED).expect("room");
        let picture = ready.render(&RenderControl::new(&CancelToken::default())).expect("a picture");
        (picture.encode(Format::default()).expect("a file"), picture.render_s)
    }
}

fn outside(whole: Duration, sampling_s: f64) -> Duration {
    whole.saturating_sub(Duration::from_secs_f64(sampling_s))
}

/// How long the service's last render was sampled.
async fn last_sampling_s(url: &str, client: &reqwest::Client) -> f64 {
    let get = async |path: &str| -> Value {
        let answer = client.get(format!("{url}{path}")).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let list = get("/api/v1/renders?limit=1").await;
    let report = list["items"][0]["links"]["report"].as_str().expect("a link");
    get(report).await["render"]["seconds"]["render"].as_f64().expect("seconds")
}

/// What an fsync of 4 KiB costs, a few times.
fn fsync(file: &mut File) -> [Duration; 3] {
    std::array::from_fn(|_| {
        file.write_all(&[7; 4096]).expect("written");
        let begun = Instant::now();
        file.sync_all().expect("synced");
        begun.elapsed()
    })
}
