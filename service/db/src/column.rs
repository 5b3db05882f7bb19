//! How domain types are stored in columns: the only place that maps them. Ids are UUIDs, times are milliseconds, words
//! and content addresses are text, and so is JSON: as text it reads back as it was written, on both engines.

use std::collections::BTreeMap;

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable};
use uuid::Uuid;

use super::Json;
use super::artifacts::tree_of;
use super::document::StoredDocument;
use packshot_domain::access::{Role, Scope};
use packshot_domain::artifact::{
    BackendId, ByteSize, EventActor, EventType, Label, LocationState, MediaType, Metadata, PackageStatus, Reason,
    RelativePath, RetentionClass, Sequence, StorageLocationId, Tree,
};
use packshot_domain::audit::{Action, ActorKind};
use packshot_domain::cad_file::{CadStatus, OriginalName, SourceFormat};
use packshot_domain::channel::preference::Frequency;
use packshot_domain::channel::{ActivityType, AlertState, AlertType, NotificationType, Severity, SubjectKind};
use packshot_domain::design_job::DesignStatus;
use packshot_domain::document::JobDocument;
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::feature::{Feature, Features};
use packshot_domain::fix::{FixAction, FixNotes, FixStatus, Verdict};
use packshot_domain::hash::{ContentAddress, Sha256Digest};
use packshot_domain::id::{
    AliasId, AnnouncementId, AssetId, CadFileId, DeliveryId, DesignAreaId, DesignJobId, DownloadId, EntryId, FileId,
    FixId, ImportId, JobId, KeyId, LibraryId, OrderId, OrderLineId, OutputTypeId, PackageId, ProductId, RenderId,
    RenderTemplateId, ReviewId, RoundId, RunId, SessionId, StoreId, TaskId, TenantId, UserId, WebhookId, WorkerId,
    WorkflowId,
};
use packshot_domain::job::{JobKind, JobState};
use packshot_domain::material_alias::{AliasKey, AliasScope, AliasSource, AliasStatus};
use packshot_domain::media::{AssetState, AssetType, GallerySource, ThumbnailSource};
use packshot_domain::object::Condition;
use packshot_domain::order::line::RenderStatus;
use packshot_domain::order::round::RoundOutcome;
use packshot_domain::order::{Notes, OrderNumber, OrderStatus, RejectionReason};
use packshot_domain::output_type::{GateMetric, OutputKind, RenderBackend};
use packshot_domain::product::{EntryName, FoundBy};
use packshot_domain::render::RenderKind;
use packshot_domain::review::{NoteKind, ReviewStatus, UnmappedReason};
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamKind;
use packshot_domain::task::{Lane, LeaseToken, QueueName, TaskKind, TaskState};
use packshot_domain::tenant::{TenantSlug, TenantStatus};
use packshot_domain::tenant_config::{EngineName, LimitedClass};
use packshot_domain::time::Timestamp;
use packshot_domain::webhook::{DeliveryState, DisabledReason, Subscription, WebhookEvent, WebhookSecret};
use packshot_domain::workflow::{ExecutionMode, NodeId, NodeStatus, RunStatus};

/// A stored value that a domain type cannot hold.
fn unreadable(type_name: &str, reason: impl std::fmt::Display) -> DbErr {
    DbErr::Type(format!("{type_name}: {reason}"))
}

/// A type of the domain as a column keeps it.
pub(crate) trait Stored: Sized + 'static {
    /// The type that the engine stores.
    type As: Into<Value> + TryGetable + ValueType + Nullable;

    /// The value to store.
    fn write(self) -> Self::As;

    /// The type from a stored value; an error if this version cannot read it.
    fn read(stored: Self::As) -> Result<Self, DbErr>;
}

/// A value of the domain in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Col<T>(pub(crate) T);

impl<T> Col<T> {
    /// The value.
    pub(crate) fn value(self) -> T {
        self.0
    }
}

impl<T: Stored> From<Col<T>> for Value {
    fn from(Col(value): Col<T>) -> Self {
        value.write().into()
    }
}

impl<T: Stored> TryGetable for Col<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        Ok(Self(T::read(<T::As as TryGetable>::try_get_by(row, index)?)?))
    }
}

impl<T: Stored> ValueType for Col<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        T::read(<T::As as ValueType>::try_from(value)?).map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        T::As::type_name()
    }

    fn array_type() -> ArrayType {
        T::As::array_type()
    }

    fn column_type() -> ColumnType {
        T::As::column_type()
    }
}

impl<T: Stored> Nullable for Col<T> {
    fn null() -> Value {
        T::As::null()
    }
}

impl<T: Stored> TryFromU64 for Col<T> {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64(std::any::type_name::<T>()))
    }
}

/// A domain value as an argument of a statement.
pub(crate) fn arg<T: Stored>(value: T) -> Value {
    Col(value).into()
}

/// The domain value in a column of a row.
pub(crate) fn cell<T: Stored>(row: &QueryResult, index: usize) -> Result<T, DbErr> {
    row.try_get_by_index(index).map(|Col(value)| value)
}

/// The domain value in a column that may be null.
pub(crate) fn cell_or_none<T: Stored>(row: &QueryResult, index: usize) -> Result<Option<T>, DbErr> {
    row.try_get_by_index::<Option<Col<T>>>(index).map(|value| value.map(Col::value))
}

/// Declares how types are stored: how they are written and how they are read.
macro_rules! columns {
    ($($type:ty as $stored:ty: $write:expr, $read:expr;)+) => {$(
        impl Stored for $type {
            type As = $stored;

            fn write(self) -> $stored {
                let write: fn($type) -> $stored = $write;
                write(self)
            }

            fn read(stored: $stored) -> Result<Self, DbErr> {
                let read: fn($stored) -> Result<Self, DbErr> = $read;
                read(stored)
            }
        }
    )+};
}

macro_rules! id_columns {
    ($($type:ident)+) => {
        columns! { $($type as Uuid: $type::uuid, |uuid| Ok($type::from_uuid(uuid));)+ }
    };
}

macro_rules! word_columns {
    ($($type:ident)+) => {
        columns! {
            $($type as String: |word| word.as_str().to_owned(),
                |word| word.parse().map_err(|error| unreadable(stringify!($type), error));)+
        }
    };
}

macro_rules! text_columns {
    ($($type:ident)+) => {
        columns! {
            $($type as String: |value| value.to_string(),
                |text| text.parse().map_err(|error| unreadable(stringify!($type), error));)+
        }
    };
}

id_columns! { TenantId UserId SessionId RenderId JobId TaskId KeyId LibraryId WorkerId StoreId }
id_columns! { AssetId DownloadId EntryId RoundId AnnouncementId }
id_columns! { PackageId FileId StorageLocationId CadFileId ProductId OutputTypeId RenderTemplateId OrderId OrderLineId }
id_columns! { AliasId ImportId WorkflowId RunId }
id_columns! { WebhookId DeliveryId ReviewId FixId DesignJobId DesignAreaId }
word_columns! { JobState JobKind RenderKind TaskState TaskKind QueueName StreamKind EventName LogLevel Role Action ActorKind }
word_columns! { TenantStatus TenantSlug Condition }
word_columns! { PackageStatus RetentionClass LocationState EventType CadStatus SourceFormat FoundBy }
word_columns! { OutputKind RenderBackend GateMetric OrderStatus RenderStatus }
word_columns! { AssetType AssetState GallerySource ThumbnailSource RoundOutcome }
word_columns! { ActivityType NotificationType AlertType AlertState Severity SubjectKind Frequency }
word_columns! { AliasScope AliasSource AliasStatus }
word_columns! { FixStatus FixAction Verdict ReviewStatus UnmappedReason NoteKind }
word_columns! { StepName ExecutionMode RunStatus NodeStatus }
word_columns! { DesignStatus }
word_columns! { WebhookEvent DeliveryState DisabledReason }
text_columns! { NodeId Subscription FixNotes }
text_columns! { AliasKey OrderNumber Notes RejectionReason }
text_columns! { OriginalName EntryName Label Reason EventActor RelativePath MediaType BackendId Sha256Digest }

columns! {
    Timestamp as i64: Timestamp::unix_ms, |ms| Ok(Timestamp::from_unix_ms(ms));
    ContentAddress as String: |address| address.to_string(),
        |text| text.parse().map_err(|error| unreadable("ContentAddress", error));
    Sequence as i64: Sequence::get,
        |number| Sequence::new(number).ok_or_else(|| unreadable("Sequence", "it is not positive"));
    ByteSize as i64: |size| size.bytes().cast_signed(), |bytes| {
        let bytes = <u64 as TryFrom<i64>>::try_from(bytes).map_err(|error| unreadable("ByteSize", error))?;
        ByteSize::new(bytes).map_err(|error| unreadable("ByteSize", error))
    };
    Metadata as String: |metadata| metadata.to_tree().to_json(), |text| {
        let json: Json = serde_json::from_str(&text).map_err(|error| unreadable("metadata", error))?;
        match tree_of(&json) {
            Ok(Tree::Map(members)) => Metadata::new(members).map_err(|error| unreadable("metadata", error)),
            Ok(_) => Err(unreadable("metadata", "it is no object")),
            Err(error) => Err(unreadable("metadata", error)),
        }
    };
    WebhookSecret as String: |secret| secret.reveal(),
        |text| text.parse().map_err(|error| unreadable("WebhookSecret", error));
    LeaseToken as Uuid: |token| Uuid::from_bytes(token.bytes()), |uuid| Ok(LeaseToken::from_bytes(uuid.into_bytes()));
    Lane as String: |lane| lane.to_string(),
        |text| Lane::new(&text).map_err(|error| unreadable("Lane", error));
    Json as String: |json| json.to_string(),
        |text| serde_json::from_str(&text).map_err(|error| unreadable("JSON", error));
    JobDocument as String: |document| StoredDocument::write(&document),
        |text| StoredDocument::read(&text).map_err(|error| unreadable("document", error));
    Vec<Scope> as String: |scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        |text| {
            let scopes: Result<_, _> = text.split_whitespace().map(str::parse).collect();
            scopes.map_err(|error| unreadable("scopes", error))
        };
    Vec<Role> as String: |roles| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" "),
        |text| {
            let roles: Result<_, _> = text.split_whitespace().map(str::parse).collect();
            roles.map_err(|error| unreadable("roles", error))
        };
    Vec<EngineName> as String: |names| names.iter().map(EngineName::as_str).collect::<Vec<_>>().join(" "),
        |text| {
            let names: Result<_, _> = text.split_whitespace().map(str::parse).collect();
            names.map_err(|error| unreadable("render engines", error))
        };
    // Those that are off: a feature that a later version adds is on.
    Features as String: |features| features.off().map(Feature::as_str).collect::<Vec<_>>().join(" "),
        |text| {
            let off: Result<Vec<Feature>, _> = text.split_whitespace().map(str::parse).collect();
            off.map(Features::all_but).map_err(|error| unreadable("features", error))
        };
    BTreeMap<LimitedClass, u32> as String:
        |days| days.iter().map(|(class, days)| format!("{class}={days}")).collect::<Vec<_>>().join(" "),
        |text| {
            let days = text.split_whitespace().map(|entry| {
                let (class, days) = entry.split_once('=')?;
                Some((class.parse::<LimitedClass>().ok()?, days.parse::<u32>().ok()?))
            });
            days.collect::<Option<_>>().ok_or_else(|| unreadable("retention days", &text))
        };
}
