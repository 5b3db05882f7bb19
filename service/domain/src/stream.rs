//! Streams of events: one for each object, all of the same kind.

use uuid::Uuid;

use super::id::{DesignJobId, OrderId, OrderLineId, RenderId, ReviewId, RunId, TenantId, UserId};
use super::words::words;

words! {
    /// What a stream is of.
    pub enum StreamKind {
        /// A direct render
        Render = "render",
        /// An order line, over all its jobs
        Line = "line",
        /// An order
        Order = "order",
        /// A workflow run
        Run = "run",
        /// A design job
        Design = "design",
        /// A material review
        Review = "review",
        /// A user's feed
        User = "user",
        /// The activity of a tenant
        Activity = "activity",
        /// All jobs of a tenant
        Jobs = "jobs",
        /// All orders of a tenant
        Orders = "orders",
        /// The log of a tenant's artifacts
        Artifact = "artifact",
    }
}

/// When a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closes {
    /// With its object, once none of its jobs is active.
    WithItsObject,
    /// When no job of its object is active.
    WithItsJobs,
    /// Never.
    Never,
}

impl StreamKind {
    /// When a stream of this kind ends (README §8 of the contract).
    #[must_use]
    pub const fn closes(self) -> Closes {
        match self {
            Self::Render | Self::Order | Self::Run | Self::Design | Self::Review => Closes::WithItsObject,
            Self::Line => Closes::WithItsJobs,
            Self::User | Self::Activity | Self::Jobs | Self::Orders | Self::Artifact => Closes::Never,
        }
    }
}

/// A stream: of what, and of which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// What it is of.
    pub kind: StreamKind,
    /// The object, the user or the tenant.
    pub id: Uuid,
}

impl StreamId {
    /// The stream of an object.
    #[must_use]
    pub const fn new(kind: StreamKind, id: Uuid) -> Self {
        Self { kind, id }
    }

    /// The stream of a direct render.
    #[must_use]
    pub const fn of_render(render: RenderId) -> Self {
        Self { kind: StreamKind::Render, id: render.uuid() }
    }

    /// The stream of an order.
    #[must_use]
    pub const fn of_order(order: OrderId) -> Self {
        Self { kind: StreamKind::Order, id: order.uuid() }
    }

    /// The stream of the jobs of an order line.
    #[must_use]
    pub const fn of_line(line: OrderLineId) -> Self {
        Self { kind: StreamKind::Line, id: line.uuid() }
    }

    /// The stream of a workflow run.
    #[must_use]
    pub const fn of_run(run: RunId) -> Self {
        Self { kind: StreamKind::Run, id: run.uuid() }
    }

    /// The stream of a material review.
    #[must_use]
    pub const fn of_review(review: ReviewId) -> Self {
        Self { kind: StreamKind::Review, id: review.uuid() }
    }

    /// The stream of a design job.
    #[must_use]
    pub const fn of_design(job: DesignJobId) -> Self {
        Self { kind: StreamKind::Design, id: job.uuid() }
    }

    /// What a user is told.
    #[must_use]
    pub const fn of_user(user: UserId) -> Self {
        Self { kind: StreamKind::User, id: user.uuid() }
    }

    /// The activity of a tenant.
    #[must_use]
    pub const fn of_activity(tenant: TenantId) -> Self {
        Self { kind: StreamKind::Activity, id: tenant.uuid() }
    }

    /// The stream of all jobs of a tenant.
    #[must_use]
    pub const fn of_jobs(tenant: TenantId) -> Self {
        Self { kind: StreamKind::Jobs, id: tenant.uuid() }
    }
}
