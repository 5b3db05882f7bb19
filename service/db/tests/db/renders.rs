//! Renders as clients see them.

use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use futures_util::{StreamExt, stream};
use packshot_db::artifacts::{self, collection};
use packshot_db::jobs::Cancelling;
use packshot_db::renders::{self, EqualRender, Submitted};
use packshot_db::tasks::{self, Ended, Rejection, Report, TaskFilter};
use packshot_db::{DbError, PageRequest, files, objects};
use packshot_domain::artifact::{PackageStatus, RetentionClass};
use packshot_domain::audit::Actor;
use packshot_domain::change::Change;
use packshot_domain::event::LogLevel;
use packshot_domain::hash::ContentAddress;
use packshot_domain::id::{RenderId, TaskId};
use packshot_domain::job::{JobRef, JobState};
use packshot_domain::step::StepName;
use packshot_domain::task::{TaskKind, TaskState};
use packshot_domain::tenant_config::TenantConfigChange;
use serde_json::json;

use crate::engine::{Fixture, completion, deleter, kept, package_of, picture, rejection};

const ALL: PageRequest = PageRequest { limit: 200, after: None };

pub(crate) async fn a_new_render_is_queued_with_its_task_and_event(t: Fixture) {
    let mut new = t.new_render(3);
    new.metadata = json!({"b": 1, "a": [1.5, null]});
    new.input_name = Some("Lager 6204 ü.glb".to_owned());
    let id = new.id;
    let Submitted::Created(created) = renders::create(&t.db, t.scope, new.clone(), None).await.expect("a render")
    else {
        panic!("without a key nothing is known");
    };
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!(render, created.render);
    assert_eq!((render.state, render.priority, render.last_seq), (JobState::Queued, 3, 1));
    assert_eq!((&render.request, &render.metadata, render.created_by), (&new.request, &new.metadata, t.user));
    assert_eq!(render.input_name, new.input_name);
    assert_eq!(render.metadata.to_string(), r#"{"b":1,"a":[1.5,null]}"#, "in the order in which it was given");
    let task = t.task(render.task_id.expect("a task")).await;
    assert_eq!((task.state, task.job, task.attempt), (TaskState::Queued, Some(JobRef::of_render(id)), 0), "R74");
    assert_eq!((task.kind, task.max_attempts), (TaskKind::Step(StepName::RenderStill), 3));
    assert_eq!(t.events_of(t.scope, id).await, ["job.state"]);
    let missing = renders::get(&t.db, t.scope, RenderId::new()).await;
    assert!(matches!(missing, Err(DbError::NotFound("render"))));
}

pub(crate) async fn c15_pages_stay_right_while_rows_come(t: Fixture) {
    let mut made = Vec::new();
    for _ in 0..120 {
        made.push(t.submit().await);
    }
    let mut page = PageRequest { limit: 50, after: None };
    let mut listed = Vec::new();
    for expected in [50, 50, 20] {
        let found = renders::list(&t.db, t.scope, None, page).await.expect("a page");
        assert_eq!(found.items.len(), expected);
        listed.extend(found.items.into_iter().map(|render| render.id));
        assert_eq!(found.next.is_none(), expected == 20);
        let text = found.next.map(|cursor| cursor.to_string());
        page.after = text.map(|text| text.parse().expect("a cursor"));
        t.submit().await;
    }
    made.reverse();
    assert_eq!(listed, made, "each once, newest first");
    let tasks = tasks::list(&t.db, t.scope, TaskFilter::default(), PageRequest { limit: 200, after: None })
        .await
        .expect("a page");
    assert_eq!((tasks.items.len(), tasks.next), (123, None));
}

pub(crate) async fn r39_renders_are_listed_by_state(t: Fixture) {
    let completed = t.submit().await;
    t.complete(&t.claim_one().await).await;
    let running = t.submit().await;
    t.claim_one().await;
    let queued = [t.submit().await, t.submit().await];
    let of = async |state| {
        let page = renders::list(&t.db, t.scope, Some(state), ALL).await.expect("a page");
        page.items.into_iter().map(|render| render.id).collect::<Vec<_>>()
    };
    assert_eq!(of(JobState::Completed).await, [completed]);
    assert_eq!(of(JobState::Running).await, [running]);
    assert_eq!(of(JobState::Queued).await, [queued[1], queued[0]]);
    assert_eq!(of(JobState::Failed).await, []);
}

pub(crate) async fn r13_r15_waiting_renders_are_cancelled_at_once(t: Fixture) {
    let id = t.submit().await;
    let cancel = async || renders::request_cancel(&t.db, t.scope, id).await.expect("a render");
    let Cancelling::Cancelled(render) = cancel().await else { panic!("it waits") };
    assert_eq!((render.state, render.document.state), (JobState::Cancelled, JobState::Cancelled));
    assert!(render.cancel_requested_at.is_some() && render.completed_at.is_some());
    assert!(t.claim(8).await.is_empty(), "it never starts");
    assert_eq!(cancel().await, Cancelling::Unchanged(render), "cancelling twice changes nothing");
    assert_eq!(t.events_of(t.scope, id).await, ["job.state", "job.cancelled"]);

    let done = t.submit().await;
    t.complete(&t.claim_one().await).await;
    let before = renders::get(&t.db, t.scope, done).await.expect("the render");
    let after = renders::request_cancel(&t.db, t.scope, done).await.expect("a render");
    assert_eq!(after, Cancelling::Unchanged(before));
}

pub(crate) async fn r17_only_ended_renders_are_deleted(t: Fixture) {
    let id = t.submit().await;
    let delete = async || renders::delete(&t.db, t.scope, deleter(Actor::system()), id).await;
    assert!(matches!(delete().await, Err(DbError::InUse("render"))), "queued");
    let claimed = t.claim_one().await;
    assert!(matches!(delete().await, Err(DbError::InUse("render"))), "running");
    t.complete(&claimed).await;
    delete().await.expect("it has ended");
    assert!(matches!(delete().await, Err(DbError::NotFound("render"))));
    assert!(matches!(tasks::get(&t.db, t.scope, claimed.lease.task).await, Err(DbError::NotFound("task"))));
    assert!(files::of_render(&t.db, t.scope, id).await.expect("files").is_empty());
    assert!(t.events_of(t.scope, id).await.is_empty());
}

pub(crate) async fn r19_cached_results_are_taken_over(t: Fixture) {
    let key = ContentAddress::of(b"request");
    let mut new = t.new_render(0);
    new.cache_key = Some(key);
    let source = new.id;
    renders::create(&t.db, t.scope, new.clone(), None).await.expect("a render");
    assert_eq!(renders::find_cached(&t.db, t.scope, key).await.expect("a search"), None, "not before it is completed");
    let claimed = t.claim_one().await;
    t.complete_kept(&claimed).await;
    let cached = renders::find_cached(&t.db, t.scope, key).await.expect("a search").expect("a result");
    let files = cached.files;
    assert_eq!((cached.render.id, &files), (source, &vec![picture(claimed.lease)]));
    assert!(cached.kept.iter().map(|new| new.file.address).eq([files[0].address]));
    assert_eq!(renders::find_cached(&t.db, t.scope, ContentAddress::of(b"other")).await.expect("a search"), None);

    let result = json!({"from_cache": true});
    new.id = RenderId::new();
    let packages = vec![package_of(new.id, cached.kept)];
    new.equal = Some(EqualRender { id: source, result: result.clone(), packages });
    let made = renders::create(&t.db, t.scope, new.clone(), None).await.expect("a render");
    let Submitted::Created(made) = made else { panic!("without a key nothing is known") };
    assert_eq!((made.render.state, made.render.result), (JobState::Completed, Some(result)));
    assert_eq!((made.render.task_id, made.queue_position), (None, None));
    assert_eq!(files::of_render(&t.db, t.scope, new.id).await.expect("files"), files);
    assert_eq!(t.events_of(t.scope, new.id).await, ["job.completed"]);

    for id in [source, new.id] {
        renders::delete(&t.db, t.scope, deleter(Actor::system()), id).await.expect("it has ended");
    }
    // If the equal render was deleted since it was found, the new one is rendered.
    (new.id, new.work.id) = (RenderId::new(), TaskId::new());
    let made = renders::create(&t.db, t.scope, new.clone(), None).await.expect("a render");
    let Submitted::Created(made) = made else { panic!("without a key nothing is known") };
    assert_eq!((made.render.state, made.render.result), (JobState::Queued, None));
    assert_eq!(t.claim_one().await.lease.task, new.work.id);
}

pub(crate) async fn rejected_renders_keep_their_files_and_are_never_cached(t: Fixture) {
    let key = ContentAddress::of(b"request");
    let mut new = t.new_render(0);
    new.cache_key = Some(key);
    let id = new.id;
    renders::create(&t.db, t.scope, new, None).await.expect("a render");
    let claimed = t.claim_one().await;
    let ended = tasks::reject(&t.db, t.scope, claimed.lease, rejection(&claimed)).await;
    assert_eq!(ended.expect("the lease holds"), Ended::Kept);
    let Rejection { delivery, error, .. } = rejection(&claimed);
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!((render.state, render.document.state), (JobState::Failed, JobState::Failed));
    assert_eq!((render.error, render.result), (Some(error), Some(delivery.output)));
    assert_eq!(files::of_render(&t.db, t.scope, id).await.expect("files"), delivery.files);
    assert_eq!(t.events_of(t.scope, id).await, ["job.state", "job.state", "job.failed"]);
    assert_eq!(renders::find_cached(&t.db, t.scope, key).await.expect("a search"), None);

    tasks::requeue(&t.db, t.scope, Actor::system(), claimed.lease.task).await.expect("it has failed");
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!((render.state, render.error, render.result), (JobState::Queued, None, None));
    assert!(files::of_render(&t.db, t.scope, id).await.expect("files").is_empty());
    t.complete_kept(&t.claim_one().await).await;
    let cached = renders::find_cached(&t.db, t.scope, key).await.expect("a search").expect("a result");
    assert_eq!((cached.render.id, cached.files), (id, delivery.files));
}

pub(crate) async fn r86_a_record_holds_nothing_after_its_end(t: Fixture) {
    let (scene, day) = (ContentAddress::of(b"scene"), Duration::from_secs(86_400));
    let key = ContentAddress::of(b"request");
    let mut new = t.new_render(0);
    new.cache_key = Some(key);
    let id = new.id;
    renders::create(&t.db, t.scope, new, None).await.expect("a render");
    t.wait(2.0 * 86_400.0);
    let forget = async |address| objects::forget(&t.db, t.scope, address, day).await.expect("a database");
    assert!(!forget(scene).await, "it waits for a worker, who needs it");
    let claimed = t.claim_one().await;
    assert!(!forget(scene).await, "it runs");
    t.complete_kept(&claimed).await;
    assert!(forget(scene).await, "no package has it");
    let picture = picture(claimed.lease).address;
    let is_kept = async || files::is_kept(&t.db, t.scope, id, picture).await.expect("an answer");
    let is_cached = async || renders::find_cached(&t.db, t.scope, key).await.expect("a search").is_some();
    t.wait(2.0 * 86_400.0);
    assert!(is_kept().await && is_cached().await && !forget(picture).await);
    t.wait(365.0 * 86_400.0);
    let remove = |_| -> BoxFuture<'static, Result<(), std::io::Error>> { Box::pin(ready(Ok(()))) };
    collection::run(&t.db, t.scope, remove).await.expect("collected");
    assert!(!is_kept().await && !is_cached().await);
    assert_eq!(objects::find(&t.db, t.scope, picture).await.expect("a search"), None);
    let render = renders::get(&t.db, t.scope, id).await.expect("the render stays");
    assert_eq!(render.state, JobState::Completed);
    let package = renders::package(&t.db, t.scope, id).await.expect("a search").expect("what it says stays");
    assert_eq!(package.status, PackageStatus::Expired);
}

pub(crate) async fn r17_packages_go_with_their_render_where_their_class_allows(t: Fixture) {
    let status = async |id| artifacts::get(&t.db, t.scope, id).await.expect("the package").status;
    for (class, gone) in [(RetentionClass::RenderOutput, true), (RetentionClass::RawEvidence, false)] {
        let render = t.submit().await;
        let claimed = t.claim_one().await;
        let mut completion = completion(&claimed);
        let mut whole = package_of(render, vec![kept(&picture(claimed.lease))]);
        whole.package.retention_class = class;
        let mut held = package_of(render, Vec::new());
        held.package.retention_class = RetentionClass::Preview;
        let (id, held_id) = (whole.package.id, held.package.id);
        completion.delivery.packages = vec![whole, held];
        tasks::complete(&t.db, t.scope, claimed.lease, completion).await.expect("the lease holds");
        let reason = "because".parse().expect("a reason");
        artifacts::hold(&t.db, t.scope, deleter(Actor::system()), held_id, reason).await.expect("held");
        renders::delete(&t.db, t.scope, deleter(Actor::system()), render).await.expect("it has ended");
        let expected = if gone { PackageStatus::Deleted } else { PackageStatus::Finalized };
        assert_eq!((status(id).await, status(held_id).await), (expected, PackageStatus::Finalized), "{class}");
    }
}

pub(crate) async fn places_in_the_queue(t: Fixture) {
    let mut ids = Vec::new();
    for priority in [0, 0, 5, -1] {
        ids.push(t.submit_to(t.scope, priority).await);
    }
    let (other, _) = t.other_tenant().await;
    t.submit_to(other, 9).await;
    let places = renders::queue_positions(&t.db, t.scope, &ids).await.expect("places");
    let expected = [2, 3, 1, 4];
    assert_eq!(ids.iter().map(|id| places[id]).collect::<Vec<_>>(), expected);
    let running = renders::request_cancel(&t.db, t.scope, ids[2]).await;
    assert!(matches!(running, Ok(Cancelling::Cancelled(_))));
    let places = renders::queue_positions(&t.db, t.scope, &ids).await.expect("places");
    assert_eq!((places.get(&ids[2]), places[&ids[0]]), (None, 1));
    let room = TenantConfigChange { max_queued_jobs: Change::Set(10_000), ..TenantConfigChange::default() };
    t.configure(t.scope, room).await;
    // A few at a time: on a slow machine the last of a thousand would wait too long for a connection.
    let more = stream::iter(0..renders::QUEUE_POSITION_MAX).map(|_| t.submit()).buffered(8);
    let last = more.collect::<Vec<_>>().await.pop().expect("the last");
    assert!(
        renders::queue_positions(&t.db, t.scope, &[last]).await.expect("places").is_empty(),
        "too far back to tell"
    );
}

pub(crate) async fn statistics_count_what_was_rendered(t: Fixture) {
    let none = renders::statistics(&t.db, t.scope, None, None).await.expect("figures");
    assert_eq!(none, renders::Statistics::default());
    for seconds in 1..=20 {
        t.submit().await;
        t.wait(2.0);
        let claimed = t.claim_one().await;
        t.wait(f64::from(seconds));
        t.complete(&claimed).await;
    }
    let cancelled = t.submit().await;
    renders::request_cancel(&t.db, t.scope, cancelled).await.expect("a render");
    let of = renders::statistics(&t.db, t.scope, None, None).await.expect("figures");
    assert_eq!((of.renders_total, of.completed, of.failed, of.cancelled), (21, 20, 0, 1));
    let near = |seconds: Option<f64>, expected: f64| seconds.is_some_and(|s| (s - expected).abs() < 0.5);
    assert!(near(of.avg_render_s, 10.5) && near(of.p95_render_s, 19.0) && near(of.avg_queue_s, 2.0), "{of:?}");
    let later = t.db.now().await.expect("the clock") + Duration::from_secs(1);
    let none = renders::statistics(&t.db, t.scope, Some(later), None).await.expect("figures");
    assert_eq!(none.renders_total, 0);
}

pub(crate) async fn text_with_every_character_survives(t: Fixture) {
    let hostile = "'; DROP TABLE renders; -- \u{0}\u{1b}[31m\r\n\u{202e}\u{1F4F7}\"\\";
    let mut new = t.new_render(0);
    new.metadata = json!({ hostile: hostile });
    new.input_name = Some(hostile.to_owned());
    let id = new.id;
    renders::create(&t.db, t.scope, new.clone(), None).await.expect("a render");
    let render = renders::get(&t.db, t.scope, id).await.expect("the render");
    assert_eq!((render.metadata, render.input_name), (new.metadata, Some(hostile.replace('\0', "\u{fffd}"))));
    let claimed = t.claim_one().await;
    let mut completion = completion(&claimed);
    let row = packshot_db::log::NewLogRow {
        step_name: TaskKind::Step(StepName::RenderStill),
        level: LogLevel::Warning,
        message: hostile.to_owned(),
        duration_s: Some(0.5),
        context: json!({ "part": hostile }),
    };
    completion.report = Report { log: vec![row], ..Report::default() };
    tasks::complete(&t.db, t.scope, claimed.lease, completion).await.expect("the lease holds");
    let log = packshot_db::log::after(&t.db, t.scope, claimed.lease.task, 0, 10).await.expect("the log");
    assert_eq!(log[0].row.message, hostile.replace('\0', "\u{fffd}"), "PostgreSQL's text has no zero");
}
