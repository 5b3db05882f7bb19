//! What the files of a task are made for: whose they are, and what they are called.

use packshot_db::{Db, DbError, Json, TenantScope, workflows};
use packshot_domain::id::{OrderLineId, RenderId};
use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::task::FaultKind;
use packshot_worker::protocol::Failure;

/// The argument of a task that says what the names of its files end with.
const SUFFIX: &str = "output_name_suffix";

/// What the files of a task are made for.
#[derive(Clone, Debug)]
pub(crate) struct MadeFor {
    /// The job.
    pub(crate) job: JobRef,
    /// The order line, of its own job or of a shadow run's.
    pub(crate) line: Option<OrderLineId>,
    /// What the names of pictures end with.
    suffix: Option<String>,
}

impl MadeFor {
    /// A direct render.
    pub(super) fn render(id: RenderId) -> Self {
        Self { job: JobRef::of_render(id), line: None, suffix: None }
    }

    /// The job of a task with these arguments.
    ///
    /// # Errors
    /// `unavailable`; `order_line_not_found` when the line of a shadow run was removed meanwhile.
    pub(crate) async fn find(db: &Db, scope: TenantScope, job: JobRef, kwargs: &Json) -> Result<Self, Failure> {
        let line = match job.kind {
            JobKind::Line => Some(OrderLineId::from_uuid(job.record)),
            JobKind::Shadow => {
                let side = workflows::side_of(db, scope, job).await.map_err(unread)?;
                let gone = || Failure::new(FaultKind::Input, "order_line_not_found", "the order line was removed");
                Some(side.ok_or_else(gone)?.line)
            }
            JobKind::Render | JobKind::Cad | JobKind::Design => None,
        };
        Ok(Self { job, line, suffix: kwargs[SUFFIX].as_str().map(str::to_owned) })
    }

    /// What a picture is called: of a shadow run `result_shadow-1234abcd.png`.
    pub(crate) fn named(&self, name: String) -> String {
        let Some(suffix) = &self.suffix else { return name };
        match name.rsplit_once('.') {
            Some((stem, extension)) => format!("{stem}_{suffix}.{extension}"),
            None => format!("{name}_{suffix}"),
        }
    }

    /// The name of a file, as clients see it; `None` of a direct render, whose files have addresses.
    pub(crate) fn path_of(&self, name: &str) -> Option<String> {
        match (self.line, self.job.kind) {
            (Some(line), _) => Some(format!("renders/{line}/{name}")),
            (None, JobKind::Cad) => Some(format!("thumbnails/{}/{name}", self.job.record)),
            (None, _) => None,
        }
    }

    /// What its packages are about.
    pub(crate) fn subject(&self) -> String {
        match (self.line, self.job.kind) {
            (Some(line), _) => format!("order_line:{line}"),
            (None, JobKind::Cad) => format!("cad_file:{}", self.job.record),
            (None, JobKind::Design) => format!("design_job:{}", self.job.record),
            (None, _) => format!("render:{}", self.job.id),
        }
    }
}

fn unread(error: DbError) -> Failure {
    tracing::warn!("what a task is made for cannot be read: {error}");
    Failure::infrastructure("unavailable", "what the task is made for cannot be read")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn w60_pictures_of_a_shadow_run_have_names_of_their_own() {
        let of = |suffix: Option<&str>| MadeFor {
            job: JobRef { id: RenderId::from_uuid(Uuid::nil()).into(), kind: JobKind::Shadow, record: Uuid::nil() },
            line: Some(OrderLineId::from_uuid(Uuid::nil())),
            suffix: suffix.map(str::to_owned),
        };
        assert_eq!(of(None).named("x.png".to_owned()), "x.png");
        let shadow = of(Some("shadow-1234abcd"));
        assert_eq!(shadow.named("x.png".to_owned()), "x_shadow-1234abcd.png");
        assert_eq!(shadow.named("a.b.png".to_owned()), "a.b_shadow-1234abcd.png");
        let line = Uuid::nil();
        assert_eq!(shadow.path_of("x.png"), Some(format!("renders/{line}/x.png")));
        assert_eq!(shadow.subject(), format!("order_line:{line}"));
    }
}
