//! The one order in which rows are locked, on both engines, so that no two transactions wait for each other: from the
//! installation down to the streams, several rows of one level by id (render-jobs.md §7, scale-out.md §6).

/// What is locked. A transaction locks nothing above what it has already locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The installation: who is the last global admin is decided under its lock.
    Installation,
    /// Tenants: who is a tenant's last admin is decided under its lock.
    Tenant,
    /// Users.
    User,
    /// Sessions and their tokens.
    Session,
    /// Orders.
    Order,
    /// Order lines.
    OrderLine,
    /// CAD files.
    CadFile,
    /// Products.
    Product,
    /// Output types.
    OutputType,
    /// Render templates.
    RenderTemplate,
    /// Reviews of materials, with their parts and fixes: what a fix lets be rendered again gets its jobs under their
    /// lock, and the end of a job changes them.
    Review,
    /// Workflow definitions.
    Workflow,
    /// Design jobs.
    DesignJob,
    /// Workflow runs.
    Run,
    /// Nodes of workflow runs.
    RunNode,
    /// Limits of queues: a claim begins here.
    Queue,
    /// Jobs. A task is only changed while its job is locked.
    Job,
    /// Tasks.
    Task,
    /// Aliases of tenants. A product's entries name those that led to them, so it is locked before: also by the end of
    /// a task that gives products entries.
    MaterialAlias,
    /// Stored objects, files, packages and assets.
    Object,
    /// The logs of artifacts: the counter of a tenant's log is locked before its events are numbered and before what
    /// they say is written, so that whoever holds it sees which objects are named.
    ArtifactLog,
    /// Webhooks, then their deliveries. Whoever ends tasks that wait for one has it locked.
    Webhook,
    /// Configurations of tenants: whether a limit is kept is decided under their lock, when all that counts is written.
    Limits,
    /// Counters and streams, which many share: last, when the transaction is about to be committed.
    Stream,
}
