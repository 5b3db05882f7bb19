//! A client that openapi-python-client (<https://github.com/openapi-generators/openapi-python-client>) generates from
//! the service's OpenAPI document: with a key it submits, watches and fetches.

use std::path::PathBuf;

use crate::command::bare;
use crate::service::{SOON, Workplace, http, outcome, until};
use crate::tools::tool;

/// Renders a picture with the client in the folder beside it. Its arguments are the service, a key and a product.
const PROGRAM: &str = r#"
import sys, time
from client import AuthenticatedClient, Client
from client.api.renders import create_render, get_render, list_renders
from client.api.results import get_file
from client.api.materials import list_materials
from client.models import JobState, Problem, RenderForm, RenderRequest
from client.types import File

url, key, product = sys.argv[1:]
refused = list_renders.sync_detailed(client=Client(base_url=url))
assert refused.status_code == 401 and isinstance(refused.parsed, Problem), refused
assert refused.parsed.code == "unauthenticated", refused.parsed

client = AuthenticatedClient(base_url=url, token=key)
with open(product, "rb") as glb:
    form = RenderForm(
        glb=File(payload=glb, file_name="boxes.glb", mime_type="model/gltf-binary"),
        request=RenderRequest(width=48, height=32, samples=4),
    )
    job = create_render.sync(client=client, body=form, idempotency_key="python-1")
end = time.monotonic() + 50
while job.state not in (JobState.COMPLETED, JobState.FAILED):
    assert time.monotonic() < end, job
    time.sleep(0.05)
    job = get_render.sync(job.id, client=client)
assert job.state == JobState.COMPLETED, job.error
assert job.input_name == "boxes.glb", job.input_name
picture = get_file.sync(job.id, job.result.files[0].name, client=client).payload.read()
assert picture.startswith(b"\x89PNG") and len(picture) == job.result.files[0].size_bytes, picture[:16]
assert [(own.id, own.input_name) for own in list_renders.sync(client=client).items] == [(job.id, "boxes.glb")]
assert list_materials.sync(client=client, q="steel").items, "there is steel"
print(job.result.files[0].width, job.result.files[0].height)
"#;

/// The generator, with the packages that its clients need, where `scripts/test` installs it.
fn generator() -> Option<PathBuf> {
    tool("python/bin/openapi-python-client").and(tool("python/bin"))
}

#[tokio::test]
async fn a_generated_python_client_submits_watches_and_fetches() {
    let Some(bin) = generator() else {
        println!("skipped: openapi-python-client is not installed");
        return;
    };
    let place = Workplace::new();
    let service = place.start();
    let (code, key, stderr) = place.run(&["admin", "create-key"]);
    assert_eq!(code, 0, "{stderr}");
    until("a key is needed", SOON, async || service.status("/api/v1/renders").await == 401).await;
    let document = http().get(format!("{}/openapi.json", service.url)).send().await.expect("an answer");
    std::fs::write(place.path("openapi.json"), document.bytes().await.expect("a document")).expect("written");
    // It recognises bytes by one media type alone. Hooks would only format the code.
    let config = "content_type_overrides:\n  image/png: application/octet-stream\n  \
                  application/zip: application/octet-stream\npost_hooks: []\n";
    std::fs::write(place.path("config.yaml"), config).expect("written");

    // A warning would mean that it left something out.
    let mut generate = bare(bin.join("openapi-python-client"), &place.path("."));
    generate.args(["generate", "--path", "openapi.json", "--output-path", "client", "--meta", "none"]);
    generate.args(["--config", "config.yaml", "--fail-on-warning"]);
    let (code, stdout, stderr) = outcome(&mut generate);
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(!format!("{stdout}{stderr}").contains("WARNING"), "{stdout}{stderr}");

    std::fs::write(place.path("program.py"), PROGRAM).expect("written");
    let mut program = bare(bin.join("python"), &place.path("."));
    program.args(["program.py", &service.url, key.trim(), "boxes.glb"]);
    let (code, stdout, stderr) = outcome(&mut program);
    assert_eq!((code, stdout.trim()), (0, "48 32"), "{stderr}");
}
