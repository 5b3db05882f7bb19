//! `packshot client submit`: sends a product and its request to a service.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use packshot::error::Fault;
use packshot_contract::client::Submission;
use packshot_materials::map::{MapEntry, PartSelector};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::args::Input;
use super::super::console;
use super::super::failure::{Exit, Failure};
use super::super::files::{self, InputKind};
use super::going_on::{GoingOn, after_submitting};
use super::{ServiceArgs, over, watch};

/// Arguments of `client submit`.
#[derive(Args, Debug)]
#[command(after_help = "Example: packshot client submit bearing.glb --set samples=64 --watch -o bearing.png")]
pub(crate) struct SubmitArgs {
    /// A .glb file, or - for standard input
    #[arg(required_unless_present = "sample", conflicts_with = "sample")]
    input: Option<PathBuf>,
    /// A built-in sample product instead of a file (`packshot sample --list`)
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// Members of the request, as a JSON file
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    request: Option<PathBuf>,
    /// One member of the request, such as view=front, samples=64 or 'formats=["png","exr"]'; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Request")]
    set: Vec<Member>,
    /// Which part gets which material, as a JSON file
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    material_map: Option<PathBuf>,
    /// An environment map, .hdr or .exr
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    environment: Option<PathBuf>,
    /// Key of this submission: sent again with the same key, it makes no second render
    #[arg(long, value_name = "KEY", help_heading = "Request")]
    idempotency_key: Option<String>,
    /// Follow the render until it ends
    #[arg(long)]
    watch: bool,
    /// Follow the render and save its files here, as `client fetch` does
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    service: ServiceArgs,
}

/// A member of a request: JSON where it is JSON, else text.
#[derive(Clone, Debug, PartialEq)]
struct Member {
    name: String,
    value: Value,
}

impl FromStr for Member {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        if name.is_empty() {
            return Err("expected NAME=VALUE".to_owned());
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        // Options may be spelt as on the command line.
        Ok(Self { name: name.replace('-', "_"), value })
    }
}

pub(super) async fn run(args: &SubmitArgs, quiet: bool) -> Result<(), Failure> {
    if let Some(output) = args.output.as_deref().filter(|path| !super::is_folder(path)) {
        files::check_writable(output)?;
    }
    let client = args.service.client()?;
    // Generated here and not by the client, so that a failure can name it.
    let key = args.idempotency_key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
    let job = client.submit(&submission(args, &key)?).await.map_err(|error| after_submitting(error, &key))?;
    if !args.watch && args.output.is_none() {
        return if args.service.json {
            files::print_json(&job)
        } else {
            files::print(format!("{}\n", job.id).as_bytes())
        };
    }
    if !args.service.json {
        let name = job.input_name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        console::note(&format!("submitted: {}{name}", job.id));
    }
    let going_on = GoingOn::by("watch", job.id, &args.service, args.output.as_deref());
    let job = watch::until_over(&client, job.id, &going_on, quiet).await?;
    if args.service.json {
        files::print_json(&job)?;
    }
    over(&client, &job, args.output.as_deref(), &going_on, &args.service, quiet).await
}

fn submission(args: &SubmitArgs, key: &str) -> Result<Submission, Failure> {
    let input = match (&args.input, &args.sample) {
        (Some(path), _) => Input::File(path.clone()),
        (None, sample) => Input::Sample(sample.clone().unwrap_or_default()),
    };
    let source = input.read()?;
    let mut request = match &args.request {
        Some(path) => object(path, InputKind::Request)?,
        None => Map::new(),
    };
    if let Some(path) = &args.material_map {
        request.insert("materials".to_owned(), Value::Object(object(path, InputKind::Map)?));
    } else if let (Some(map), false) = (&source.map, request.contains_key("materials")) {
        request.insert("materials".to_owned(), json!({ "parts": map.entries.iter().map(entry).collect::<Vec<_>>() }));
    }
    request.extend(args.set.iter().map(|member| (member.name.clone(), member.value.clone())));
    let environment = args.environment.as_deref().map(|path| files::read(path, InputKind::Environment)).transpose()?;
    Ok(Submission {
        glb: source.glb.into(),
        name: name_of(&input),
        request,
        environment: environment.map(Into::into),
        idempotency_key: Some(key.to_owned()),
    })
}

/// What the job is to be called: the file's name, or the sample's; standard input has none.
fn name_of(input: &Input) -> Option<String> {
    match input {
        Input::File(path) if files::is_stream(path) => None,
        Input::File(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
        Input::Sample(name) => Some(name.clone()),
    }
}

/// An entry of a map as requests have it.
fn entry(entry: &MapEntry) -> Value {
    match &entry.part {
        PartSelector::Name(name) => json!({ "part_name": name, "material": entry.material }),
        PartSelector::Path(path) => json!({ "path": path, "material": entry.material }),
    }
}

/// A file that holds one JSON object.
pub(super) fn object(path: &std::path::Path, kind: InputKind) -> Result<Map<String, Value>, Failure> {
    let refused = |code: &str, message: String, help: &str| {
        let fault = Fault::new(format!("{}.{code}", kind.prefix()), message).at(path.display().to_string());
        Failure::new(Exit::Input, fault.help(help))
    };
    match packshot_json::parse(&files::read(path, kind)?) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(refused("type", "it is not a JSON object".to_owned(), "give a file that holds one JSON object")),
        Err(reason) => Err(refused("syntax", reason.to_string(), "correct the JSON there")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_called_as_its_file_or_sample() {
        let of_file = |path: &str| name_of(&Input::File(PathBuf::from(path)));
        assert_eq!(of_file("exports/bearing.glb").as_deref(), Some("bearing.glb"));
        assert_eq!(of_file("-"), None);
        assert_eq!(name_of(&Input::Sample("bearing".to_owned())).as_deref(), Some("bearing"));
    }

    #[test]
    fn members() {
        let member = |text: &str| text.parse::<Member>().map(|member| (member.name, member.value));
        assert_eq!(member("samples=64"), Ok(("samples".into(), json!(64))));
        assert_eq!(member("view=front"), Ok(("view".into(), json!("front"))));
        assert_eq!(member("on-unmapped=keep"), Ok(("on_unmapped".into(), json!("keep"))));
        assert_eq!(member("formats=[\"png\"]"), Ok(("formats".into(), json!(["png"]))));
        assert_eq!(member("background="), Ok(("background".into(), json!(""))));
        assert!(member("samples").is_err() && member("=1").is_err());
    }
}
