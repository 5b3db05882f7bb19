//! How domain types lie in columns: the one place that maps them. Ids are UUIDs, times are milliseconds, words and content
//! addresses are text, and so is JSON: as text it reads back as it was written, on both engines.

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable};
use uuid::Uuid;

use super::Json;
use super::document::Stored;
use crate::domain::access::{Role, Scope};
use crate::domain::document::RenderDocument;
use crate::domain::event::{EventName, LogLevel};
use crate::domain::hash::ContentAddress;
use crate::domain::id::{KeyId, LibraryId, RenderId, TaskId, TenantId, UserId, WorkerId};
use crate::domain::render::{RenderKind, RenderState};
use crate::domain::step::StepName;
use crate::domain::task::{QueueName, TaskState};
use crate::domain::time::Timestamp;

/// Free JSON in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonColumn(pub(crate) Json);

/// A render document in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DocumentColumn(pub(crate) RenderDocument);

/// Scopes of a key in a column, separated by blanks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScopesColumn(pub(crate) Vec<Scope>);

/// A value that some type of the domain cannot be made of.
fn unreadable(type_name: &str, reason: impl std::fmt::Display) -> DbErr {
    DbErr::Type(format!("{type_name}: {reason}"))
}

/// Maps a type to columns: what it is stored as, how it is written, how it is read.
macro_rules! columns {
    ($($type:ty as $stored:ty: $write:expr, $read:expr;)+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                let write: fn($type) -> $stored = $write;
                write(value).into()
            }
        }

        impl TryGetable for $type {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                let read: fn($stored) -> Result<Self, DbErr> = $read;
                Ok(read(<$stored as TryGetable>::try_get_by(row, index)?)?)
            }
        }

        impl ValueType for $type {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                let read: fn($stored) -> Result<Self, DbErr> = $read;
                read(<$stored as ValueType>::try_from(value)?).map_err(|_| ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($type).to_owned()
            }

            fn array_type() -> ArrayType {
                <$stored as ValueType>::array_type()
            }

            fn column_type() -> ColumnType {
                <$stored as ValueType>::column_type()
            }
        }

        impl Nullable for $type {
            fn null() -> Value {
                <$stored as Nullable>::null()
            }
        }

        impl TryFromU64 for $type {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($type)))
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

id_columns! { TenantId UserId RenderId TaskId KeyId LibraryId WorkerId }
word_columns! { RenderState RenderKind TaskState QueueName StepName EventName LogLevel Role }

columns! {
    Timestamp as i64: Timestamp::unix_ms, |ms| Ok(Timestamp::from_unix_ms(ms));
    ContentAddress as String: |address| address.to_string(),
        |text| text.parse().map_err(|error| unreadable("ContentAddress", error));
    JsonColumn as String: |json| json.0.to_string(),
        |text| serde_json::from_str(&text).map(JsonColumn).map_err(|error| unreadable("JSON", error));
    DocumentColumn as String: |document| Stored::write(&document.0),
        |text| Stored::read(&text).map(DocumentColumn).map_err(|error| unreadable("document", error));
    ScopesColumn as String: |scopes| scopes.0.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
        |text| {
            let scopes: Result<_, _> = text.split_whitespace().map(str::parse).collect();
            scopes.map(ScopesColumn).map_err(|error| unreadable("scopes", error))
        };
}
