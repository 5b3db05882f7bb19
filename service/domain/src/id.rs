//! Identifiers: a type for each kind of thing, so that a task is never looked up by a render's id. New ones are UUIDs
//! of version 7, which sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Text that is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "two defaults would not be equal")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The identifier with this UUID, of whatever version.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Its UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )+};
}

ids! {
    /// A tenant: it sees nothing of the others.
    TenantId,
    /// A user of a tenant.
    UserId,
    /// A render: the record that a client sees. Its job has the same UUID.
    RenderId,
    /// A job: what a user waits for.
    JobId,
    /// A task: the work of a job, which workers claim.
    TaskId,
    /// An API key.
    KeyId,
    /// A session: what a sign-in begins and a sign-out ends.
    SessionId,
    /// A material library that a tenant uploaded.
    LibraryId,
    /// An alias: a name that a tenant gave to a material.
    AliasId,
    /// A review of materials.
    ReviewId,
    /// A suggested fix of a review.
    FixId,
    /// A CAD file of a product.
    CadFileId,
    /// A product.
    ProductId,
    /// An import of products.
    ImportId,
    /// An output type.
    OutputTypeId,
    /// A render template.
    RenderTemplateId,
    /// An order.
    OrderId,
    /// A line of an order.
    OrderLineId,
    /// A workflow definition.
    WorkflowId,
    /// A run of a workflow.
    RunId,
    /// A round of an order: what is rendered of it until all of its lines have ended.
    RoundId,
    /// A media asset.
    AssetId,
    /// A design job: a design on a product.
    DesignJobId,
    /// A printable area of a product.
    DesignAreaId,
    /// A set of media assets that is fetched as one ZIP.
    DownloadId,
    /// An entry of the activity, a notification or an alert.
    EntryId,
    /// An announcement.
    AnnouncementId,
    /// A webhook.
    WebhookId,
    /// A delivery of an event to a webhook.
    DeliveryId,
    /// A package of files.
    PackageId,
    /// A file of a package.
    FileId,
    /// A store: what holds the files of one database.
    StoreId,
    /// A worker: one executor of tasks, made anew at each start.
    WorkerId,
}

impl From<RenderId> for JobId {
    fn from(render: RenderId) -> Self {
        Self(render.0)
    }
}

impl RunId {
    /// The first eight characters, which names of files of a shadow run have.
    #[must_use]
    pub fn short(self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ids_sort_by_age_and_survive_text() {
        let ids: Vec<RenderId> = (0..1000).map(|_| RenderId::new()).collect();
        assert!(ids.is_sorted(), "each is later than the one before");
        for id in &ids {
            assert_eq!(id.to_string().parse(), Ok(*id));
        }
        assert_eq!("render-1".parse::<RenderId>(), Err(InvalidId));
    }
}
