//! Events and logs, written by many at once.

use packshot_db::log::{self, LogPage, LogRequest, NewLogRow};
use packshot_db::renders;
use packshot_db::streams::{self, NewEvent};
use packshot_db::tasks::{self, Report};
use packshot_db::{DatabaseKind, Db, Notice};
use packshot_domain::event::{EventName, LogLevel};
use packshot_domain::hash::ContentAddress;
use packshot_domain::step::StepName;
use packshot_domain::stream::StreamId;
use packshot_domain::task::{Lane, LeaseToken, QueueName, TaskKind};
use serde_json::json;

use crate::engine::Fixture;

fn progress(number: usize) -> Report {
    let event = NewEvent { name: EventName::Progress, data: json!({"number": number}) };
    Report { events: vec![event.clone(), event], ..Report::default() }
}

pub(crate) async fn streams_are_gapless_under_concurrent_writers(t: Fixture) {
    const WRITERS: usize = 8;
    const REPORTS: usize = 10;
    t.set_limits(64, &[(t.scope, 64)]).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(t.submit().await);
    }
    let leases: Vec<_> = t.claim(2).await.into_iter().map(|claimed| claimed.lease).collect();
    let writers = (0..WRITERS).map(|writer| {
        let (db, scope, lease) = (t.db.clone(), t.scope, leases[writer % 2]);
        tokio::spawn(async move {
            for number in 0..REPORTS {
                tasks::report(&db, scope, lease, progress(number)).await.expect("the lease holds");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    for id in ids {
        // `events_of` checks that the numbers have no gaps.
        assert_eq!(t.events_of(t.scope, id).await.len(), 2 + WRITERS / 2 * REPORTS * 2);
        let last = streams::last_seq(&t.db, t.scope, StreamId::of_render(id)).await.expect("the stream");
        let rest = t.stream(id, last - 3, 2).await;
        assert_eq!(rest.iter().map(|event| event.seq).collect::<Vec<_>>(), [last - 2, last - 1], "C20");
    }
}

pub(crate) async fn eight_writers_are_never_busy(t: Fixture) {
    const WRITES: usize = 50;
    // A second handle writes as another process would.
    let second = Db::open(&t.config).await.expect("a second handle");
    let writers = (0..8).map(|writer| {
        let db = if writer % 4 == 3 { second.clone() } else { t.db.clone() };
        let (scope, news) = (t.scope, (0..WRITES).map(|_| t.new_render(0)).collect::<Vec<_>>());
        tokio::spawn(async move {
            let chunks =
                futures_util::future::join_all(news.into_iter().map(|new| renders::create(&db, scope, new, None)));
            chunks.await.into_iter().filter(Result::is_ok).count()
        })
    });
    let mut written = 0;
    for writer in writers.collect::<Vec<_>>() {
        written += writer.await.expect("a writer");
    }
    assert_eq!(written, 8 * WRITES, "nobody was refused on {:?}", t.db.kind());
    let waiting = tasks::queue_depths(&t.db, packshot_db::AllTenants::Instance).await.expect("depths");
    assert_eq!(waiting.iter().map(|depth| depth.tasks).sum::<u64>(), (8 * WRITES) as u64);
    if t.db.kind() == DatabaseKind::Sqlite {
        second.close().await;
    }
}

pub(crate) async fn a_failure_spoils_nothing_of_its_neighbours(t: Fixture) {
    let creations = (0..100).map(|number| {
        let mut new = t.new_render(0);
        let is_good = number % 2 == 0;
        if !is_good {
            new.inputs = vec![ContentAddress::of(b"never stored")];
        }
        let (db, scope) = (t.db.clone(), t.scope);
        async move {
            let id = new.id;
            let created = renders::create(&db, scope, new, None).await;
            assert_eq!(created.is_ok(), is_good);
            assert_eq!(renders::get(&db, scope, id).await.is_ok(), is_good, "it is kept completely or not at all");
        }
    });
    futures_util::future::join_all(creations).await;
}

pub(crate) async fn notices_follow_commits(t: Fixture) {
    let mut notices = t.db.notices();
    let id = t.submit().await;
    let mut heard = Vec::new();
    while let Ok(notice) = notices.try_recv() {
        heard.push(notice);
    }
    let tenant = t.scope.tenant;
    let of = |stream, seq| Notice::Events { tenant, stream, seq };
    let events = |seq| [of(StreamId::of_render(id), seq), of(StreamId::of_jobs(tenant), seq)];
    let [of_render, of_jobs] = events(1);
    assert_eq!(heard, [Notice::Queued(QueueName::Render, Lane::builtin()), of_render, of_jobs]);
    let claimed = t.claim_one().await;
    for event in events(2) {
        assert_eq!(notices.recv().await, Ok(event));
    }
    renders::request_cancel(&t.db, t.scope, id).await.expect("a render");
    assert_eq!(notices.recv().await, Ok(Notice::CancelRequested(claimed.lease.task)));
    let lost = packshot_domain::task::Lease { token: LeaseToken::random(), ..claimed.lease };
    tasks::report(&t.db, t.scope, lost, progress(0)).await.expect_err("the lease is lost");
    assert!(notices.try_recv().is_err(), "what is not kept is not announced");
}

pub(crate) async fn logs_are_read_in_pages(t: Fixture) {
    t.submit().await;
    let claimed = t.claim_one().await;
    let task = claimed.lease.task;
    let row = |i: usize| NewLogRow {
        step_name: TaskKind::Step(if i < 3 { StepName::ResolveMaterials } else { StepName::RenderStill }),
        level: if i % 2 == 1 { LogLevel::Warning } else { LogLevel::Info },
        message: format!("line {i}"),
        duration_s: None,
        context: json!({}),
    };
    let write = async |lines: std::ops::Range<usize>| {
        let report = Report { log: lines.map(row).collect(), ..Report::default() };
        tasks::report(&t.db, t.scope, claimed.lease, report).await.expect("the lease holds");
    };
    write(0..7).await;
    let all = LogRequest { limit: 3, before: None, step: None, level: None };
    let page = async |request| log::page(&t.db, t.scope, task, request).await.expect("the log");
    let seqs = |page: &LogPage| page.rows.iter().map(|row| row.seq).collect::<Vec<_>>();
    let first = page(all).await;
    assert_eq!((seqs(&first), first.rows[0].row.clone()), (vec![7, 6, 5], row(6)), "newest first");
    // What is written meanwhile neither repeats nor hides lines.
    write(7..9).await;
    let second = page(LogRequest { before: first.next, ..all }).await;
    assert_eq!(seqs(&second), [4, 3, 2]);
    let text = second.next.expect("more").to_string();
    let last = page(LogRequest { before: Some(text.parse().expect("a cursor")), ..all }).await;
    assert_eq!((seqs(&last), last.next), (vec![1], None));

    let step = Some(TaskKind::Step(StepName::ResolveMaterials));
    let of_step = page(LogRequest { step, ..all }).await;
    assert_eq!((seqs(&of_step), of_step.next), (vec![3, 2, 1], None), "a full page may be the last");
    let level = Some(LogLevel::Warning);
    let warnings = page(LogRequest { limit: 2, level, ..all }).await;
    assert_eq!(seqs(&warnings), [8, 6]);
    assert_eq!(seqs(&page(LogRequest { before: warnings.next, level, ..all }).await), [4, 2]);
    assert_eq!(seqs(&page(LogRequest { step, level, ..all }).await), [2]);
    assert!(page(LogRequest { level: Some(LogLevel::Error), ..all }).await.rows.is_empty());
    let (other, _) = t.other_tenant().await;
    assert!(log::page(&t.db, other, task, all).await.expect("the log").rows.is_empty());
}

pub(crate) async fn r40_logs_are_rows(t: Fixture) {
    t.submit().await;
    let claimed = t.claim_one().await;
    let row = |level, message: &str, duration_s| NewLogRow {
        step_name: TaskKind::Step(StepName::RenderStill),
        level,
        message: message.to_owned(),
        duration_s,
        context: json!({"samples": 16}),
    };
    let rows = [row(LogLevel::Info, "start", None), row(LogLevel::Error, "no space", Some(1.25))];
    for row in rows.clone() {
        let report = Report { log: vec![row], ..Report::default() };
        tasks::report(&t.db, t.scope, claimed.lease, report).await.expect("the lease holds");
    }
    let log = log::after(&t.db, t.scope, claimed.lease.task, 0, 10).await.expect("the log");
    assert_eq!(log.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(log.iter().map(|row| row.row.clone()).collect::<Vec<_>>(), rows, "R43");
    assert!(log.iter().all(|row| row.task_id == claimed.lease.task));
    assert_eq!(log::after(&t.db, t.scope, claimed.lease.task, 1, 10).await.expect("the log").len(), 1);
}
