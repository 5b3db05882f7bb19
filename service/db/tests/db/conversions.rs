//! O66: a CAD file is converted once, whichever of its lines comes first, and whenever the other one looks.

use packshot_db::AllTenants;
use packshot_db::cad_files::{self, Attempt, Beginning, NewCadFile};
use packshot_db::jobs::{JobError, NewTask};
use packshot_db::orders::{self, LineJob, LineWork, NewOrder, OrderRef};
use packshot_db::tasks::{self, Claimed, Claimer, Failure, Report};
use packshot_domain::audit::Actor;
use packshot_domain::cad_file::{OriginalName, SourceFormat};
use packshot_domain::id::{CadFileId, OrderId, RenderId, TaskId, WorkerId};
use packshot_domain::step::StepName;
use packshot_domain::task::{FaultKind, Lane, QueueName, TaskKind};
use serde_json::json;
use std::time::Duration;

use crate::engine::{Fixture, claimer, package_of};
use crate::orders::Shop;

/// Longer than the test takes.
const LONG: Duration = Duration::from_secs(600);

fn conversion() -> NewTask {
    NewTask {
        id: TaskId::new(),
        kind: TaskKind::Step(StepName::OccGlbExport),
        queue: QueueName::Convert,
        lane: Lane::of_queue(QueueName::Convert),
        priority: 0,
        kwargs: json!({}),
        spec: None,
        publishes: false,
        waits_for: Vec::new(),
    }
}

/// A STEP file, and an order with two lines of it, which are dispatched.
async fn two_lines(t: &Fixture) -> CadFileId {
    let (db, scope, by) = (&t.db, t.scope, Actor::system());
    let file = t.stored("a.step", b"ISO-10303-21;").await;
    let size_bytes = file.receipt.size.bytes();
    let new = NewCadFile {
        id: CadFileId::new(),
        original_name: OriginalName::of("a.step"),
        address: file.file.address,
        media_type: "model/step".to_owned(),
        size_bytes: size_bytes.cast_signed(),
        source_format: SourceFormat::Step,
        read: None,
        created_by: t.user,
        package: package_of(RenderId::new(), vec![file]),
        work: None,
    };
    let (file, _) = cad_files::create(db, scope, by.clone(), new).await.expect("a CAD file");
    let shop = Shop::open_in(t, scope, Some(file.id)).await;
    let lines = [(); 2].map(|()| shop.line());
    let works = lines.iter().map(|line| LineWork {
        line: line.id,
        job: Some(LineJob { input_name: None, samples_target: 1, tasks: vec![conversion()] }),
        run: None,
        shadow: None,
        failure: None,
    });
    let works = works.collect();
    let new = NewOrder {
        id: OrderId::new(),
        number: None,
        notes: None,
        lines: lines.to_vec(),
        lines_max: 2,
        created_by: t.user,
    };
    let order = orders::create(db, scope, by.clone(), new).await.expect("an order").order.id;
    let of = OrderRef { id: order, owner: None };
    orders::dispatch(db, scope, (by, t.user), of, works).await.expect("dispatched");
    file.id
}

async fn claim(t: &Fixture) -> Vec<Claimed> {
    let (queue, lane) = (QueueName::Convert, Lane::of_queue(QueueName::Convert));
    let claimer = Claimer { queue, lane, ..claimer(WorkerId::new()) };
    tasks::claim(&t.db, AllTenants::Claiming, claimer, 2).await.expect("a claim")
}

fn attempt_of(claimed: &Claimed, file: CadFileId) -> Attempt {
    Attempt { lease: claimed.lease, run_after: claimed.task.run_after, file }
}

async fn begin(t: &Fixture, attempt: Attempt) -> Beginning {
    cad_files::begin(&t.db, t.scope, attempt).await.expect("the file")
}

/// The conversion fails for good.
async fn fail(t: &Fixture, claimed: &Claimed) {
    let report = Report { began: true, ..Report::default() };
    let error = JobError { code: "conversion_failed".to_owned(), detail: "no solid in it".to_owned(), at: None };
    let failure = Failure { report, fault: FaultKind::Input, error };
    tasks::fail(&t.db, t.scope, claimed.lease, failure).await.expect("the lease holds");
}

async fn put_back(t: &Fixture, attempt: Attempt) {
    tasks::defer(&t.db, t.scope, attempt.lease, LONG).await.expect("the lease holds");
    cad_files::let_go_if_ended(&t.db, t.scope, attempt).await.expect("the file");
}

/// The task that waited is handed out at once, and fails as the one before it, without a second conversion.
async fn fails_too(t: &Fixture, file: CadFileId, second: &Claimed) {
    let [again] = &claim(t).await[..] else { panic!("one is handed out, before its time is up") };
    assert_eq!((again.task.id, again.task.attempt), (second.task.id, 1), "the attempt before does not count");
    let Beginning::Failed(error) = begin(t, attempt_of(again, file)).await else { panic!("not a second time") };
    assert_eq!((error.code.as_str(), error.detail.as_str()), ("conversion_failed", "no solid in it"));
}

pub(crate) async fn o66_a_line_that_waits_is_let_go_by_the_end_of_the_conversion(t: Fixture) {
    let file = two_lines(&t).await;
    let [first, second] = &claim(&t).await[..] else { panic!("both can be had") };
    assert!(matches!(begin(&t, attempt_of(first, file)).await, Beginning::Begun(_)));
    assert_eq!(begin(&t, attempt_of(second, file)).await, Beginning::Awaited);
    put_back(&t, attempt_of(second, file)).await;
    assert!(claim(&t).await.is_empty(), "it waits");
    fail(&t, first).await;
    fails_too(&t, file, second).await;
}

pub(crate) async fn o66_a_conversion_that_ends_just_before_the_other_line_waits_is_not_done_again(t: Fixture) {
    let file = two_lines(&t).await;
    let [first, second] = &claim(&t).await[..] else { panic!("both can be had") };
    assert!(matches!(begin(&t, attempt_of(first, file)).await, Beginning::Begun(_)));
    assert_eq!(begin(&t, attempt_of(second, file)).await, Beginning::Awaited);
    // Its end finds the second one running still, so that there is nobody to wake.
    fail(&t, first).await;
    put_back(&t, attempt_of(second, file)).await;
    fails_too(&t, file, second).await;
}
