//! Descriptions of answers that are not JSON: files and event streams.

use std::borrow::Cow;
use std::collections::BTreeMap;

use packshot_contract::Word;
use packshot_contract::artifact::{ArtifactEvent, ArtifactEventPage, ArtifactEventType, ArtifactStreamEvent};
use packshot_contract::channel::ActivityPage;
use packshot_contract::channel::feed::{
    ActivityCreatedEvent, AlertEvent, FeedSnapshot, NotificationCreatedEvent, NotificationReadEvent,
};
use packshot_contract::channel::marks::UnreadCount;
use packshot_contract::design::{DesignJob, DesignJobEvent};
use packshot_contract::document::Document;
use packshot_contract::event::{
    EndEvent, EventType, FailedEvent, FixUpdatedEvent, LineStatusEvent, LogEvent, NodeStatusEvent, OrderStatusEvent,
    PreviewEvent, ProgressEvent, ReviewUpdatedEvent, RunStatusEvent, StateEvent, StepEvent, StreamEvent,
};
use packshot_contract::job::{Job, LiveJobs};
use packshot_contract::order::Order;
use packshot_contract::package::PackageManifest;
use packshot_contract::review::MaterialReview;
use packshot_contract::workflow::WorkflowRun;
use packshot_domain::event::EventName;
use packshot_pipeline::plan::words::FileFormat;
use serde_json::{Map, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::renders::media_type;

type Responses = BTreeMap<String, RefOr<Response>>;

/// Bytes of a file.
pub(crate) struct Binary;

impl PartialSchema for Binary {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for Binary {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Binary")
    }
}

/// A picture, a movie or an archive, or a range of it.
pub(crate) struct PictureFile;

impl IntoResponses for PictureFile {
    fn responses() -> Responses {
        of_file(pictures())
    }
}

/// Any file of a render: a picture, or what is about it.
pub(crate) struct AnyFile;

impl IntoResponses for AnyFile {
    fn responses() -> Responses {
        of_file(pictures().chain(["application/json"]))
    }
}

/// A file of a package, or a range of it. It is sent as the media type that it has: a document cannot say any of them
/// so that generators of clients understand it.
pub(crate) struct ArtifactBytes;

impl IntoResponses for ArtifactBytes {
    fn responses() -> Responses {
        of_file(std::iter::once("application/octet-stream"))
    }
}

/// A manifest in either of its forms.
pub(crate) struct ManifestForms;

impl IntoResponses for ManifestForms {
    fn responses() -> Responses {
        let text =
            |description: &str| HeaderBuilder::new().schema(Some(text_schema())).description(Some(description)).build();
        let about = |description: &str| {
            let response = ResponseBuilder::new().description(description);
            let tag = text("The digest of the manifest in quotation marks, for `If-None-Match`");
            response.header("ETag", tag).header("X-Manifest-Digest", text("The digest of the manifest"))
        };
        let json = ContentBuilder::new().schema(Some(Ref::from_schema_name(PackageManifest::name()))).build();
        let cbor = ContentBuilder::new().schema(Some(Binary::schema())).build();
        let sent =
            about("The manifest: as canonical JSON (RFC 8785), or the bytes of its digest, canonical CBOR (RFC 8949)");
        let sent = sent.content("application/json", json).content("application/cbor", cbor);
        let known = about("The client already has the manifest");
        Responses::from([("200".to_owned(), sent.build().into()), ("304".to_owned(), known.build().into())])
    }
}

/// A package as a zip archive.
pub(crate) struct PackageArchive;

impl IntoResponses for PackageArchive {
    fn responses() -> Responses {
        let digest = HeaderBuilder::new().schema(Some(text_schema()));
        let digest = digest.description(Some("The digest of the manifest in the archive")).build();
        let content = ContentBuilder::new().schema(Some(Binary::schema())).build();
        let response = ResponseBuilder::new().description("The archive").header("X-Manifest-Digest", digest);
        let response = response.content("application/zip", content);
        Responses::from([("200".to_owned(), response.build().into())])
    }
}

/// A small picture.
pub(crate) struct SmallPicture;

impl IntoResponses for SmallPicture {
    fn responses() -> Responses {
        let tag = || {
            let tag = HeaderBuilder::new().schema(Some(text_schema()));
            tag.description(Some("Tag of the picture, for `If-None-Match`")).build()
        };
        let content = || ContentBuilder::new().schema(Some(Binary::schema())).build();
        let sent = ResponseBuilder::new().description("The picture").header("ETag", tag());
        let sent = sent.content("image/png", content()).content("image/webp", content());
        let known = ResponseBuilder::new().description("The client already has the picture").header("ETag", tag());
        Responses::from([("200".to_owned(), sent.build().into()), ("304".to_owned(), known.build().into())])
    }
}

/// A ZIP of media assets, or a range of it.
pub(crate) struct MediaArchive;

impl IntoResponses for MediaArchive {
    fn responses() -> Responses {
        let text =
            |description: &str| HeaderBuilder::new().schema(Some(text_schema())).description(Some(description)).build();
        let tag = || text("Tag of the ZIP, for `If-Range` and `If-None-Match`");
        let with_bytes = |description: &str| {
            let content = ContentBuilder::new().schema(Some(Binary::schema())).build();
            let response = ResponseBuilder::new().description(description).header("ETag", tag());
            response.content("application/zip", content)
        };
        let range = text("The bytes sent and the size of the ZIP: `bytes 0-99/1100`");
        let known = ResponseBuilder::new().description("The client already has the ZIP").header("ETag", tag());
        Responses::from([
            ("200".to_owned(), with_bytes("The ZIP").build().into()),
            ("206".to_owned(), with_bytes("A range of the ZIP").header("Content-Range", range).build().into()),
            ("304".to_owned(), known.build().into()),
        ])
    }
}

/// What pictures, movies and archives are sent as.
fn pictures() -> impl Iterator<Item = &'static str> + Clone {
    FileFormat::ENTRIES.iter().map(|entry| media_type(entry.value))
}

fn of_file(media_types: impl Iterator<Item = &'static str> + Clone) -> Responses {
    let text =
        |description: &str| HeaderBuilder::new().schema(Some(text_schema())).description(Some(description)).build();
    let tag = || text("Tag of the content, for `If-None-Match` and `If-Range`");
    let digest = || text("SHA-256 of the whole file: `sha-256=:…:`, in Base64");
    let with_bytes = |description: &str| {
        let response = ResponseBuilder::new().description(description);
        let response = response.header("ETag", tag()).header("Repr-Digest", digest());
        let content = || ContentBuilder::new().schema(Some(Binary::schema())).build();
        media_types.clone().fold(response, |response, media_type| response.content(media_type, content()))
    };
    let range = text("The bytes sent and the size of the file: `bytes 0-99/1100`");
    let known = ResponseBuilder::new().description("The client already has the file").header("ETag", tag());
    Responses::from([
        ("200".to_owned(), with_bytes("The file").build().into()),
        ("206".to_owned(), with_bytes("A range of the file").header("Content-Range", range).build().into()),
        ("304".to_owned(), known.build().into()),
    ])
}

/// The events of one render.
pub(crate) struct RenderEvents;

impl IntoResponses for RenderEvents {
    fn responses() -> Responses {
        of_stream::<Job>(EventType::all_of_jobs())
    }
}

/// The events of a line's jobs.
pub(crate) struct LineEvents;

impl IntoResponses for LineEvents {
    fn responses() -> Responses {
        of_stream::<Document>(EventType::all_of_jobs())
    }
}

/// The events of a material review.
pub(crate) struct ReviewEvents;

impl IntoResponses for ReviewEvents {
    fn responses() -> Responses {
        let of_review = [EventName::ReviewUpdated, EventName::FixUpdated, EventName::State].map(EventType::Of);
        of_stream::<MaterialReview>(std::iter::once(EventType::Snapshot).chain(of_review))
    }
}

/// Where a design would lie, or its texture.
pub(crate) struct DesignLook;

impl IntoResponses for DesignLook {
    fn responses() -> Responses {
        let report: RefOr<Schema> = ObjectBuilder::new().schema_type(Type::Object).into();
        let [report, picture] = [report, Binary::schema()].map(|of| ContentBuilder::new().schema(Some(of)).build());
        let sent = ResponseBuilder::new().description("Where the design would lie, or its texture");
        let sent = sent.content("application/json", report).content("image/png", picture);
        Responses::from([("200".to_owned(), sent.build().into())])
    }
}

/// The events of a design job.
pub(crate) struct DesignEvents;

impl IntoResponses for DesignEvents {
    fn responses() -> Responses {
        use EventName::{
            DesignCancelled, DesignCompleted, DesignCompositing, DesignCreated, DesignFailed, DesignRendering,
        };
        let own = [DesignCreated, DesignCompositing, DesignRendering, DesignCompleted, DesignFailed, DesignCancelled];
        let of_job = EventType::all_of_jobs().filter(|event| *event != EventType::Snapshot);
        let own = own.map(EventType::Of).into_iter().chain(of_job);
        of_stream::<DesignJob>(std::iter::once(EventType::Snapshot).chain(own))
    }
}

/// The events of an order.
pub(crate) struct OrderEvents;

impl IntoResponses for OrderEvents {
    fn responses() -> Responses {
        let of_order = [EventName::OrderStatus, EventName::LineStatus, EventName::Progress].map(EventType::Of);
        of_stream::<Order>(std::iter::once(EventType::Snapshot).chain(of_order))
    }
}

/// The events of a workflow run.
pub(crate) struct RunEvents;

impl IntoResponses for RunEvents {
    fn responses() -> Responses {
        let of_run = [EventName::NodeStatus, EventName::RunStatus].map(EventType::Of);
        of_stream::<WorkflowRun>(std::iter::once(EventType::Snapshot).chain(of_run))
    }
}

/// The events of all jobs.
pub(crate) struct JobsEvents;

impl IntoResponses for JobsEvents {
    fn responses() -> Responses {
        use EventName::{Cancelled, Completed, Failed, Progress, State};
        let of_jobs = [State, Progress, Completed, Failed, Cancelled].map(EventType::Of);
        of_stream::<LiveJobs>(std::iter::once(EventType::Snapshot).chain(of_jobs))
    }
}

/// What a person is told.
pub(crate) struct UserEvents;

impl IntoResponses for UserEvents {
    fn responses() -> Responses {
        use EventName::{AlertOpened, AlertResolved, AlertUpdated, NotificationCreated, NotificationRead, UnreadCount};
        let of_user = [NotificationCreated, NotificationRead, UnreadCount, AlertOpened, AlertUpdated, AlertResolved];
        of_stream::<FeedSnapshot>(std::iter::once(EventType::Snapshot).chain(of_user.map(EventType::Of)))
    }
}

/// The activity of a tenant.
pub(crate) struct ActivityEvents;

impl IntoResponses for ActivityEvents {
    fn responses() -> Responses {
        of_stream::<ActivityPage>([EventType::Snapshot, EventType::Of(EventName::ActivityCreated)].into_iter())
    }
}

/// OpenAPI 3.1 has no word for a stream. By custom the schema describes each event, as `itemSchema` does in 3.2;
/// `x-events` has what the data of each type is.
fn of_stream<S: ToSchema>(types: impl Iterator<Item = EventType>) -> Responses {
    let reference = |name: Cow<'static, str>| json!({"$ref": format!("#/components/schemas/{name}")});
    let data = types.map(|event| {
        let name = match event {
            EventType::Snapshot => S::name(),
            EventType::Of(EventName::State) => StateEvent::name(),
            EventType::Of(EventName::Step) => StepEvent::name(),
            EventType::Of(EventName::Progress) => ProgressEvent::name(),
            EventType::Of(EventName::Preview) => PreviewEvent::name(),
            EventType::Of(EventName::Log) => LogEvent::name(),
            EventType::Of(EventName::Failed) => FailedEvent::name(),
            EventType::Of(EventName::Completed | EventName::Cancelled) => EndEvent::name(),
            EventType::Of(EventName::OrderStatus) => OrderStatusEvent::name(),
            EventType::Of(EventName::LineStatus) => LineStatusEvent::name(),
            EventType::Of(EventName::RunStatus) => RunStatusEvent::name(),
            EventType::Of(EventName::NodeStatus) => NodeStatusEvent::name(),
            EventType::Of(EventName::ReviewUpdated) => ReviewUpdatedEvent::name(),
            EventType::Of(EventName::FixUpdated) => FixUpdatedEvent::name(),
            EventType::Of(
                EventName::DesignCreated
                | EventName::DesignCompositing
                | EventName::DesignRendering
                | EventName::DesignCompleted
                | EventName::DesignFailed
                | EventName::DesignCancelled,
            ) => DesignJobEvent::name(),
            EventType::Of(EventName::ActivityCreated) => ActivityCreatedEvent::name(),
            EventType::Of(EventName::NotificationCreated) => NotificationCreatedEvent::name(),
            EventType::Of(EventName::NotificationRead) => NotificationReadEvent::name(),
            EventType::Of(EventName::UnreadCount) => UnreadCount::name(),
            EventType::Of(EventName::AlertOpened | EventName::AlertUpdated | EventName::AlertResolved) => {
                AlertEvent::name()
            }
        };
        (event.word().to_owned(), reference(name))
    });
    let data: Map<_, _> = data.collect();
    let extensions = ExtensionsBuilder::new().add("x-events", data).build();
    let event = Ref::from_schema_name(StreamEvent::name());
    let content = ContentBuilder::new().schema(Some(event)).extensions(Some(extensions)).build();
    let description = "Server-sent events, for as long as the connection lives: each is a `StreamEvent`, and `x-events` describes the \
                       data of each type";
    let response = ResponseBuilder::new().description(description).content("text/event-stream", content);
    Responses::from([("200".to_owned(), response.build().into())])
}

/// The log of artifacts: a page of it, or its events as they come.
pub(crate) struct ArtifactEvents;

impl IntoResponses for ArtifactEvents {
    fn responses() -> Responses {
        let data = |event: ArtifactEventType| {
            let reference = json!({"$ref": format!("#/components/schemas/{}", ArtifactEvent::name())});
            (event.word().to_owned(), reference)
        };
        let data: Map<_, _> = ArtifactEventType::ENTRIES.iter().map(|entry| data(entry.value)).collect();
        let extensions = ExtensionsBuilder::new().add("x-events", data).build();
        let content = |name: Cow<'static, str>| ContentBuilder::new().schema(Some(Ref::from_schema_name(name)));
        let page = content(ArtifactEventPage::name()).build();
        let stream = content(ArtifactStreamEvent::name()).extensions(Some(extensions)).build();
        let description = "A page of events; or server-sent events, for as long as the connection lives: each is an \
                           `ArtifactStreamEvent`, and `x-events` describes the data of each type";
        let response = ResponseBuilder::new().description(description);
        let response = response.content("application/json", page).content("text/event-stream", stream);
        Responses::from([("200".to_owned(), response.build().into())])
    }
}

fn text_schema() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).into()
}
