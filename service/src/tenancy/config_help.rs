//! What each member of a tenant's configuration means, in words.

use crate::app::Explained;

const PLAIN: Explained =
    Explained { name: "", title: "", body: "", affects: &[], unit: None, recommendation: None, warning: None };

const fn feature(
    name: &'static str,
    title: &'static str,
    body: &'static str,
    affects: &'static [&'static str],
) -> Explained {
    Explained { name, title, body, affects, warning: Some("running work finishes; only new work is refused"), ..PLAIN }
}

/// Every member, and every feature.
pub(crate) static MEMBERS: [Explained; 22] = [
    Explained {
        name: "max_concurrent_renders",
        title: "Renders at the same time",
        body: "The most renders of the tenant that run at the same time; the others wait. Only a global admin can change it.",
        affects: &["renders"],
        unit: Some("renders"),
        ..PLAIN
    },
    Explained {
        name: "render_engines_allowed",
        title: "Render engines",
        body: "The engines that output types may name. `cycles` is the old name of `path_tracer`.",
        affects: &["output types"],
        ..PLAIN
    },
    Explained {
        name: "max_order_size",
        title: "Lines of an order",
        body: "The most lines that an order may have.",
        affects: &["orders"],
        unit: Some("lines"),
        ..PLAIN
    },
    Explained {
        name: "fallback_material",
        title: "Fallback material",
        body: "The material of parts that nothing matches. It must be in the tenant's library or the built-in one.",
        affects: &["renders"],
        recommendation: Some("STD_059999_FailedMaterial, whose magenta nobody can miss"),
        warning: Some("if its library is deleted later, renders use the built-in fallback and say so"),
        ..PLAIN
    },
    Explained {
        name: "notifications_enabled",
        title: "Notifications",
        body: "Whether the tenant's users get notifications.",
        affects: &["notifications"],
        ..PLAIN
    },
    Explained {
        name: "invoice_prefix",
        title: "Prefix of invoices",
        body: "What invoice numbers begin with, for the system that writes invoices. It is only stored here.",
        affects: &["nothing in this service"],
        ..PLAIN
    },
    Explained {
        name: "material_library",
        title: "Material library",
        body: "The name of the library in which materials are looked up first; after it comes the built-in one.",
        affects: &["renders", "materials"],
        ..PLAIN
    },
    Explained {
        name: "max_queued_jobs",
        title: "Waiting jobs",
        body: "The most jobs of the tenant that wait at the same time. Further direct renders are refused with `queue_full`; orders are not. Only a global admin can change it.",
        affects: &["renders", "designs"],
        unit: Some("jobs"),
        ..PLAIN
    },
    Explained {
        name: "max_storage_bytes",
        title: "Storage",
        body: "The most bytes that the tenant's files may have together. Null: no limit. Only a global admin can change it.",
        affects: &["uploads", "renders"],
        unit: Some("bytes"),
        warning: Some("deleting makes room only after about an hour, when the files are collected"),
        ..PLAIN
    },
    Explained {
        name: "max_upload_bytes",
        title: "Largest upload",
        body: "The largest file that the tenant may upload, at most the setting of the same name. Null: as large as the setting allows. Only a global admin can change it.",
        affects: &["uploads"],
        unit: Some("bytes"),
        ..PLAIN
    },
    Explained {
        name: "max_pixels",
        title: "Largest picture",
        body: "Width times height of the tenant's pictures, at most the setting of the same name. Null: as many pixels as the setting allows. Only a global admin can change it.",
        affects: &["renders"],
        unit: Some("pixels"),
        ..PLAIN
    },
    Explained {
        name: "rate_limit_per_s",
        title: "Requests per second",
        body: "The most requests per second of all the tenant's users and keys together. Null: no limit. Only a global admin can change it.",
        affects: &["requests"],
        unit: Some("requests per second"),
        ..PLAIN
    },
    Explained {
        name: "retention_days",
        title: "How long results are kept",
        body: "For each class of results, the days after which they are removed.",
        affects: &["artifacts"],
        unit: Some("days"),
        warning: Some("what has been removed is gone for good"),
        ..PLAIN
    },
    Explained {
        name: "features",
        title: "Features",
        body: "The parts of the service that the tenant may use. A request that needs a feature which is off is refused with `feature_disabled`. Only a global admin can change them.",
        affects: &["requests"],
        warning: Some("running work finishes; only new work is refused"),
        ..PLAIN
    },
    feature("features.direct_renders", "Direct renders", "Renders that are submitted without an order.", &["renders"]),
    feature("features.turntables", "Turntables", "Movies and frames of rotating products.", &["renders", "orders"]),
    feature(
        "features.workflows",
        "Workflows",
        "Output types with a workflow; with this off, their lines take the direct path.",
        &["orders"],
    ),
    feature(
        "features.shadow_mode",
        "Shadow mode",
        "Workflows that run beside the direct path and are compared with it.",
        &["orders"],
    ),
    feature(
        "features.external_executor",
        "External executors",
        "Order lines that are rendered by something other than Packshot. Only the operating tenant has it from the start.",
        &["orders"],
    ),
    feature("features.design_renders", "Designs", "Designs that are laid onto products.", &["designs"]),
    feature(
        "features.suggested_fixes",
        "Suggested fixes",
        "Materials that are suggested for parts that nothing matched.",
        &["reviews"],
    ),
    feature("features.webhooks", "Webhooks", "Events that are delivered to other systems.", &["webhooks"]),
];
