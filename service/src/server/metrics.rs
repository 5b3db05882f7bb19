//! Prometheus metrics: one recorder for the process, and its records as text.
//!
//! To count something, call `metrics::counter!` or one of its siblings with a name from [`names`]; the route `/metrics`
//! calls [`Metrics::render`].

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use packshot_domain::job::{JobKind, JobRef};
use packshot_domain::task::TaskState;

/// Names of all metrics.
pub mod names {
    /// Counter: renders that ended. Label `state`: `completed`, `failed`, `cancelled`.
    pub const RENDER_JOBS_TOTAL: &str = "packshot_render_jobs_total";
    /// Counter: those of them that completed immediately with the files of an equal request.
    pub const RENDER_CACHE_HITS_TOTAL: &str = "packshot_render_cache_hits_total";
    /// Gauge: waiting tasks. Label `queue`.
    pub const QUEUE_DEPTH: &str = "packshot_queue_depth";
    /// Gauge: running tasks. Label `queue`.
    pub const TASKS_RUNNING: &str = "packshot_tasks_running";
    /// Counter: requests answered. Labels `method`, `route` (its pattern, not its path), `status`.
    pub const HTTP_REQUESTS_TOTAL: &str = "packshot_http_requests_total";
    /// Histogram: seconds from a request's head to its answer's head. Label `route`.
    pub const HTTP_REQUEST_SECONDS: &str = "packshot_http_request_seconds";
    /// Histogram: seconds from the claim of a render to its end. Label `state`, as for the counter.
    pub const RENDER_SECONDS: &str = "packshot_render_seconds";
    /// Gauge: open connections.
    pub const HTTP_CONNECTIONS: &str = "packshot_http_connections";
    /// Counter: connections that were closed immediately because their address had too many.
    pub const HTTP_CONNECTIONS_REFUSED_TOTAL: &str = "packshot_http_connections_refused_total";
}

/// Bounds of the buckets of histograms, in seconds.
const BUCKETS_S: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0];

/// How often samples are folded into their buckets.
const KEEP_UP_EVERY: Duration = Duration::from_secs(5);

/// What the process has recorded. A cheap handle.
#[derive(Clone, Debug)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// The recorder of this process, installed by the first call.
    pub fn install() -> Self {
        static INSTALLED: OnceLock<Metrics> = OnceLock::new();
        INSTALLED.get_or_init(Self::first).clone()
    }

    fn first() -> Self {
        let seconds = Matcher::Suffix("_seconds".to_owned());
        // This can only fail for an empty list of bounds, and this one is not empty.
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(seconds, &BUCKETS_S).unwrap_or_default();
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("this process already has another metrics recorder; /metrics stays empty");
        }
        describe();
        Self { handle }
    }

    /// Folds samples into their buckets from time to time, so that they do not pile up while nothing reads them. Runs
    /// for as long as the service does.
    pub(super) async fn keep_up(self) {
        let mut ticks = tokio::time::interval(KEEP_UP_EVERY);
        loop {
            ticks.tick().await;
            self.handle.run_upkeep();
        }
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// Counts the end of a task, by the metrics of its job's kind: only renders have some.
pub fn count_end(job: Option<JobRef>, state: TaskState, took: Option<Duration>) {
    if job.is_some_and(|job| job.kind == JobKind::Render) {
        count_render(state, took);
    }
}

/// Counts a render that ended in `state`. `took` is the time since its last claim, where a worker had it.
pub fn count_render(state: TaskState, took: Option<Duration>) {
    metrics::counter!(names::RENDER_JOBS_TOTAL, "state" => state.as_str()).increment(1);
    if let Some(took) = took {
        metrics::histogram!(names::RENDER_SECONDS, "state" => state.as_str()).record(took.as_secs_f64());
    }
}

/// Counts a render that completed immediately with the files of an equal request.
pub fn count_cached() {
    count_render(TaskState::Completed, None);
    metrics::counter!(names::RENDER_CACHE_HITS_TOTAL).increment(1);
}

/// Gives each metric its description, and those without labels their first value, so that they are there from the
/// start.
fn describe() {
    describe_counter!(names::RENDER_JOBS_TOTAL, "Renders that ended, by state");
    describe_counter!(
        names::RENDER_CACHE_HITS_TOTAL,
        "Renders that completed immediately with the files of an equal request"
    );
    describe_gauge!(names::QUEUE_DEPTH, "Waiting tasks, by queue");
    describe_gauge!(names::TASKS_RUNNING, "Running tasks, by queue");
    describe_counter!(names::HTTP_REQUESTS_TOTAL, "Requests answered");
    describe_histogram!(
        names::HTTP_REQUEST_SECONDS,
        Unit::Seconds,
        "From receiving a request's head to sending its answer's head"
    );
    describe_histogram!(names::RENDER_SECONDS, Unit::Seconds, "From the claim of a render to its end");
    describe_gauge!(names::HTTP_CONNECTIONS, "Open connections");
    describe_counter!(names::HTTP_CONNECTIONS_REFUSED_TOTAL, "Connections closed because their address had too many");
    for state in [TaskState::Completed, TaskState::Failed, TaskState::Cancelled] {
        metrics::counter!(names::RENDER_JOBS_TOTAL, "state" => state.as_str()).absolute(0);
    }
    metrics::counter!(names::RENDER_CACHE_HITS_TOTAL).absolute(0);
    metrics::counter!(names::HTTP_CONNECTIONS_REFUSED_TOTAL).absolute(0);
    metrics::gauge!(names::QUEUE_DEPTH, "queue" => "render").set(0.0);
    metrics::gauge!(names::HTTP_CONNECTIONS).set(0.0);
}

#[cfg(test)]
mod tests {
    use packshot_domain::id::RenderId;

    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let metrics = Metrics::install();
        let render = JobRef::of_render(RenderId::new());
        count_end(Some(render), TaskState::Failed, Some(Duration::from_millis(300)));
        count_end(Some(render), TaskState::Failed, None);
        count_end(Some(JobRef { kind: JobKind::Line, ..render }), TaskState::Failed, None);
        count_end(None, TaskState::Failed, None);
        let text = Metrics::install().render();
        assert!(text.contains("packshot_render_jobs_total{state=\"failed\"} 2"), "{text}");
        assert!(text.contains("packshot_render_seconds_bucket{state=\"failed\",le=\"0.5\"} 1"), "{text}");
        assert!(metrics.render().contains("# HELP packshot_queue_depth"));
    }
}
