//! What is kept and told: media, channels, packages.

use super::{AnyHandler, Table, route};
use crate::api::auth::Access::{self, Instance, List, Open, Tenant};
use crate::api::operation::{CONTENT, IDEMPOTENT, JSON, UPLOAD, operation};
use crate::api::problem::Code;
use crate::api::{
    artifacts, channels, chores, design_areas, design_presets, design_previews, designs, media_assets, media_downloads,
    media_files, packages, webhooks,
};
use packshot_domain::access::Permission as P;

/// Media assets.
pub(super) fn media(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let asset: &[Code] = &[Code::AssetNotFound];
    let state_of_asset: &[Code] = &[Code::AssetSuperseded, Code::AssetExpired];
    let shows: &[Code] = &[Code::ProductNotFound];
    let bytes: &[Code] = &[Code::ArtifactExpired, Code::ContentCorrupt];
    let upload: &[Code] = &[Code::UnsupportedMediaFormat, Code::ImageTooLarge];
    let download: &[Code] = &[Code::DownloadTooLarge, Code::DownloadEmpty, Code::ContentCorrupt];
    add!(table, media_assets::list, List(P::ReadMedia), pages);
    add!(table, media_assets::facets, List(P::ReadMedia), &[Code::ValidationFailed]);
    add!(table, media_assets::get, Tenant(P::ReadMedia), asset);
    add!(table, media_assets::change, Tenant(P::WriteMedia), &JSON, asset, &[Code::PreconditionFailed]);
    add!(table, media_assets::delete, Tenant(P::WriteMedia), asset, &[Code::AssetOnHold]);
    add!(table, media_assets::versions, Tenant(P::ReadMedia), asset);
    add!(table, media_assets::publish, Tenant(P::WriteMedia), asset, state_of_asset, &IDEMPOTENT);
    add!(table, media_assets::unpublish, Tenant(P::WriteMedia), asset, state_of_asset, &IDEMPOTENT);
    add!(table, media_assets::bulk::publish_all, Tenant(P::WriteMedia), &JSON, &IDEMPOTENT);
    add!(table, media_assets::bulk::unpublish_all, Tenant(P::WriteMedia), &JSON, &IDEMPOTENT);
    add!(table, media_assets::bulk::delete_all, Tenant(P::WriteMedia), &JSON, &IDEMPOTENT);
    add!(table, media_assets::gallery::get, Tenant(P::ReadMedia), shows);
    add!(
        table,
        media_assets::gallery::add,
        Tenant(P::WriteMedia),
        &JSON,
        &IDEMPOTENT,
        shows,
        asset,
        &[Code::MediaAlreadyAssociated, Code::AssetNotCurrent]
    );
    add!(table, media_assets::gallery::reorder, Tenant(P::WriteMedia), &JSON, shows, &[Code::MediaSetDiffers]);
    add!(table, media_assets::gallery::remove, Tenant(P::WriteMedia), shows, asset);
    add!(table, media_files::create, Tenant(P::WriteMedia), &JSON, &UPLOAD, &IDEMPOTENT, upload);
    add!(
        table,
        media_files::content,
        Tenant(P::ReadMedia),
        &media_files::ASSET,
        bytes,
        &[Code::RangeNotSatisfiable, Code::ValidationFailed]
    );
    add!(
        table,
        media_files::thumbnail,
        Tenant(P::ReadMedia),
        &media_files::ASSET,
        bytes,
        &[Code::ThumbnailNotAvailable, Code::ValidationFailed]
    );
    add!(table, media_downloads::create, Tenant(P::ReadMedia), &JSON, &IDEMPOTENT, download);
    add!(table, media_downloads::fetch, Open, bytes, &[Code::DownloadNotFound, Code::RangeNotSatisfiable]);
    table
}

/// Designs on products, and printable areas.
pub(super) fn designs(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let job: &[Code] = &[Code::RenderJobNotFound, Code::FeatureDisabled];
    let area: &[Code] = &[Code::ProductNotFound, Code::DesignAreaNotFound, Code::FeatureDisabled];
    let measured: &[Code] = &[Code::ProductNotRenderable, Code::ArtifactExpired, Code::ContentCorrupt];
    let picture: &[Code] = &[Code::OptionNotAvailable, Code::ImageTooLarge, Code::ConflictingMembers];
    add!(table, designs::list, List(P::ReadDesigns), pages, &[Code::FeatureDisabled]);
    add!(
        table,
        designs::create,
        Tenant(P::WriteDesigns),
        &JSON,
        &UPLOAD,
        &IDEMPOTENT,
        picture,
        area,
        measured,
        &[Code::QueueFull, Code::AssetNotFound, Code::AssetExpired, Code::LibraryNotFound, Code::PresetNotFound]
    );
    add!(
        table,
        design_previews::create,
        Tenant(P::WriteDesigns),
        &JSON,
        &UPLOAD,
        picture,
        area,
        measured,
        &[Code::AssetNotFound, Code::AssetExpired, Code::LibraryNotFound, Code::PresetNotFound]
    );
    add!(table, designs::get, Tenant(P::ReadDesigns), job);
    add!(table, designs::delete, Tenant(P::WriteDesigns), job, &[Code::RenderJobNotTerminal, Code::ValidationFailed]);
    add!(table, designs::cancel, Tenant(P::WriteDesigns), &IDEMPOTENT, job);
    add!(
        table,
        designs::retry,
        Tenant(P::WriteDesigns),
        &IDEMPOTENT,
        job,
        &[Code::RenderJobNotFailed, Code::DesignMissing, Code::PreconditionFailed]
    );
    add!(
        table,
        designs::follow,
        Tenant(P::ReadDesigns),
        job,
        &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams]
    );
    let preset: &[Code] = &[Code::PresetNotFound, Code::FeatureDisabled];
    add!(table, design_presets::list, Tenant(P::ReadDesigns), &[Code::FeatureDisabled]);
    add!(
        table,
        design_presets::create,
        Tenant(P::WriteDesigns),
        &JSON,
        &IDEMPOTENT,
        &[Code::PresetExists, Code::FeatureDisabled]
    );
    add!(table, design_presets::change, Tenant(P::WriteDesigns), &JSON, preset, &[Code::PreconditionFailed]);
    add!(table, design_presets::delete, Tenant(P::WriteDesigns), preset);
    add!(table, design_areas::list, Tenant(P::ReadDesigns), &[Code::ProductNotFound, Code::FeatureDisabled]);
    add!(
        table,
        design_areas::create,
        Tenant(P::WriteDesigns),
        &JSON,
        &IDEMPOTENT,
        area,
        measured,
        &[Code::AreaNameExists]
    );
    add!(
        table,
        design_areas::detect,
        Tenant(P::ReadDesigns),
        measured,
        &[Code::ProductNotFound, Code::FeatureDisabled]
    );
    add!(table, design_areas::get, Tenant(P::ReadDesigns), area);
    add!(
        table,
        design_areas::change,
        Tenant(P::WriteDesigns),
        &JSON,
        area,
        measured,
        &[Code::AreaNameExists, Code::PreconditionFailed]
    );
    add!(table, design_areas::delete, Tenant(P::WriteDesigns), area);
    table
}

/// What people and other systems are told.
pub(super) fn channels(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let off: &[Code] = &[Code::FeatureDisabled];
    let streamed: &[Code] = &[Code::NotAcceptable, Code::ValidationFailed, Code::TooManyStreams];
    let notification: &[Code] = &[Code::NotificationNotFound];
    let webhook: &[Code] = &[Code::WebhookNotFound, Code::FeatureDisabled];
    let delivery: &[Code] = &[Code::WebhookNotFound, Code::DeliveryNotFound, Code::FeatureDisabled];
    let refused: &[Code] = &[Code::WebhookUrlRefused, Code::UnknownEventType];
    add!(table, channels::activity::list, List(P::ReadActivity), pages);
    add!(table, channels::events::of_activity, Tenant(P::FollowActivity), streamed, pages);
    add!(table, channels::notifications::list, Tenant(P::OwnNotifications), pages);
    add!(table, channels::notifications::unread_count, Tenant(P::OwnNotifications));
    add!(table, channels::events::of_user, Tenant(P::OwnNotifications), streamed);
    add!(table, channels::notifications::read_many, Tenant(P::ChangeOwnNotifications), &JSON, &IDEMPOTENT);
    add!(table, channels::notifications::get, Tenant(P::OwnNotifications), notification);
    add!(table, channels::notifications::delete, Tenant(P::ChangeOwnNotifications), notification);
    add!(table, channels::notifications::read, Tenant(P::ChangeOwnNotifications), notification, &IDEMPOTENT);
    add!(table, channels::notifications::unread, Tenant(P::ChangeOwnNotifications), notification, &IDEMPOTENT);
    add!(table, channels::preferences::list, Tenant(P::OwnNotifications));
    add!(
        table,
        channels::preferences::put,
        Tenant(P::ChangeOwnNotifications),
        &JSON,
        &[Code::EventTypeNotFound, Code::AlertNotConfigurable, Code::ChannelNotConfigurable]
    );
    add!(table, channels::alerts::list, List(P::ReadAlerts), pages);
    add!(table, channels::alerts::get, Tenant(P::ReadAlerts), &[Code::AlertNotFound]);
    add!(table, channels::alerts::acknowledge, Tenant(P::AcknowledgeAlerts), &[Code::AlertNotFound], &IDEMPOTENT);
    add!(table, channels::announcements::list, List(P::ReadAnnouncements), pages);
    add!(table, channels::announcements::create, Tenant(P::Announce), &JSON, &IDEMPOTENT);
    add!(table, channels::announcements::delete, Tenant(P::Announce), &[Code::AnnouncementNotFound]);
    add!(table, webhooks::list, List(P::ReadWebhooks), pages, off);
    add!(
        table,
        webhooks::create,
        Tenant(P::WriteWebhooks),
        &JSON,
        &IDEMPOTENT,
        off,
        refused,
        &[Code::InvalidWebhookSecret, Code::WebhookLimit]
    );
    add!(table, webhooks::get, Tenant(P::ReadWebhooks), webhook);
    add!(table, webhooks::change, Tenant(P::WriteWebhooks), &JSON, webhook, refused, &[Code::PreconditionFailed]);
    add!(table, webhooks::delete, Tenant(P::WriteWebhooks), webhook);
    add!(table, webhooks::rotate, Tenant(P::WriteWebhooks), &JSON, &IDEMPOTENT, webhook);
    add!(table, webhooks::enable, Tenant(P::WriteWebhooks), &IDEMPOTENT, webhook);
    add!(table, webhooks::disable, Tenant(P::WriteWebhooks), &IDEMPOTENT, webhook);
    add!(table, webhooks::test, Tenant(P::WriteWebhooks), &IDEMPOTENT, webhook);
    add!(table, webhooks::deliveries, Tenant(P::ReadWebhooks), webhook, pages);
    add!(table, webhooks::get_delivery, Tenant(P::ReadWebhooks), delivery);
    add!(table, webhooks::redeliver, Tenant(P::WriteWebhooks), &IDEMPOTENT, delivery, &[Code::DeliveryInProgress]);
    table
}

/// Packages of files and chores with them.
pub(super) fn artifacts(mut table: Table) -> Table {
    let pages: &[Code] = &[Code::ValidationFailed, Code::InvalidCursor];
    let package: &[Code] = &[Code::PackageNotFound];
    let state_of: &[Code] = &[Code::PackageNotFound, Code::IllegalPackageState];
    let takes: &[Code] = &[
        Code::DuplicateRelativePath,
        Code::InvalidRelativePath,
        Code::DigestMismatch,
        Code::UnsupportedDigest,
        Code::TooManyFiles,
        Code::BodyTooLarge,
        Code::MalformedBody,
        Code::ValidationFailed,
    ];
    let from_form: &[Code] = &[Code::DuplicateRelativePath, Code::InvalidRelativePath, Code::TooManyFiles];
    let gone: &[Code] = &[Code::PackageNotFinalized, Code::ArtifactExpired];
    add!(table, chores::collect, Tenant(P::CollectArtifacts), &JSON, &IDEMPOTENT);
    add!(table, chores::replay, Instance(P::CheckArtifacts), &JSON, &IDEMPOTENT);
    add!(table, chores::scrub, Instance(P::CheckArtifacts), &JSON, &IDEMPOTENT);
    add!(table, artifacts::files::get, Tenant(P::ReadArtifacts), &[Code::FileNotFound]);
    add!(table, artifacts::files::content, Tenant(P::ReadArtifacts), &CONTENT, &[Code::FileNotFound]);
    add!(
        table,
        artifacts::files::by_content,
        Tenant(P::ReadArtifacts),
        &CONTENT,
        &[Code::ContentNotFound, Code::UnsupportedDigest, Code::ValidationFailed]
    );
    add!(
        table,
        artifacts::events::list,
        Tenant(P::ReadArtifacts),
        &[Code::ValidationFailed, Code::TooManyStreams, Code::EventCorrupt]
    );
    add!(table, artifacts::classes, Tenant(P::ReadArtifacts));
    add!(table, artifacts::usage, Tenant(P::ReadArtifacts));
    add!(table, packages::list, List(P::ReadArtifacts), pages, &[Code::UnknownRetentionClass]);
    add!(
        table,
        packages::create,
        Tenant(P::WriteArtifacts),
        &JSON,
        &IDEMPOTENT,
        &[Code::UnknownRetentionClass, Code::InvalidMetadata]
    );
    add!(table, packages::get, Tenant(P::ReadArtifacts), package);
    add!(table, packages::change, Tenant(P::WriteArtifacts), &JSON, state_of, &[Code::UnknownRetentionClass]);
    add!(
        table,
        packages::delete,
        Tenant(P::WriteArtifacts),
        package,
        &[Code::ValidationFailed, Code::PackageHeld, Code::PackageInUse]
    );
    add!(table, packages::files, Tenant(P::ReadArtifacts), package, pages);
    add!(
        table,
        packages::manifest::get,
        Tenant(P::ReadArtifacts),
        package,
        &[Code::PackageNotFinalized, Code::NotAcceptable, Code::ValidationFailed]
    );
    add!(table, packages::upload::put, Tenant(P::WriteArtifacts), state_of, takes, &UPLOAD);
    add!(table, packages::upload::add, Tenant(P::WriteArtifacts), state_of, from_form, &JSON, &UPLOAD, &IDEMPOTENT);
    add!(table, packages::bytes::archive, Tenant(P::ReadArtifacts), package, gone, &[Code::ContentCorrupt]);
    add!(table, packages::bytes::verify, Tenant(P::ReadArtifacts), package, gone);
    add!(table, packages::closing::finalize, Tenant(P::WriteArtifacts), state_of, &IDEMPOTENT);
    add!(table, packages::closing::hold, Tenant(P::WriteArtifacts), &JSON, state_of, &IDEMPOTENT);
    add!(table, packages::closing::release, Tenant(P::WriteArtifacts), &JSON, state_of, &IDEMPOTENT);
    table
}
