use super::*;

const BEGIN: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

fn at(ms: u64) -> Timestamp {
    BEGIN + Duration::from_millis(ms)
}

fn document() -> JobDocument {
    JobDocument::new(Uuid::now_v7(), Some(TaskId::new()), JobState::Queued, BEGIN)
}

#[test]
fn r30_a_new_document_knows_its_render_and_task() {
    let (job, task, worker) = (Uuid::now_v7(), TaskId::new(), WorkerId::new());
    let mut document = JobDocument::new(job, Some(task), JobState::Queued, BEGIN);
    assert_eq!((document.job_id, document.task_id, document.attempt), (job, Some(task), 0));
    document.begin_attempt(task, 1, worker);
    assert_eq!((document.state, document.attempt), (JobState::Running, 1));
    assert_eq!((document.worker_id, document.pid, document.error), (Some(worker), None, None));
}

#[test]
fn r31_durations_are_differences_of_times() {
    let mut document = document();
    let (name, task) = (StepName::RenderStill, TaskId::new());
    let render = RenderStep { gpu_type: "VULKAN".into(), engine: "path_tracer".into(), samples: 256 };
    let begin = StepChange::Begin(Some(render.clone()));
    document.apply(task, Change::Step { name, at: at(100), change: begin });
    document.apply(task, Change::Step { name, at: at(1350), change: StepChange::Finish(Vec::new()) });
    let step = &document.steps[0];
    assert_eq!((step.started_at, step.completed_at, step.duration_s), (at(100), Some(at(1350)), Some(1.25)));
    assert_eq!(step.render, Some(render));
}

#[test]
fn r32_a_running_step_shows() {
    let mut document = document();
    document.begin_step(StepName::OccGlbExport, None, at(1));
    let step = &document.steps[0];
    assert_eq!((step.status, step.completed_at, step.duration_s), (StepStatus::Running, None, None));
}

#[test]
fn r33_only_words_from_the_list() {
    assert!("paused".parse::<JobState>().is_err());
    assert!("ok".parse::<StepStatus>().is_err());
    let mut document = document();
    for state in JobState::ALL {
        document.set_state(*state);
        assert_eq!(document.state, *state);
    }
}

#[test]
fn r34_begin_and_finish_are_one_record() {
    let mut document = document();
    let output: Fields = vec![("glb_path".into(), "x".into()), ("size_bytes".into(), 204_800_i64.into())];
    document.begin_step(StepName::OccGlbExport, None, at(0));
    document.finish_step(StepName::OccGlbExport, None, output.clone(), at(8400)).expect("it runs");
    assert_eq!(document.steps.len(), 1);
    assert_eq!((document.steps[0].status, &document.steps[0].output), (StepStatus::Done, &output));
    let again = document.finish_step(StepName::OccGlbExport, None, Vec::new(), at(8500));
    assert_eq!(again, Err(StepNotRunning(StepName::OccGlbExport)));
    assert_eq!(document.steps[0].output, output, "a refused call changes nothing");
}

#[test]
fn r35_a_failed_step_fails_the_document() {
    let mut document = document();
    document.begin_step(StepName::RenderStill, None, at(0));
    document.fail_step(StepName::RenderStill, None, "the device is lost", at(10));
    assert_eq!((document.steps.len(), document.steps[0].status), (1, StepStatus::Failed));
    assert_eq!(document.state, JobState::Failed);
    assert_eq!(document.error.as_deref(), Some("the device is lost"));
    document.fail_step(StepName::OutputSave, None, "no space", at(20));
    assert_eq!(document.steps[1].duration_s, Some(0.0), "also one that had not begun");
}

#[test]
fn r36_a_skipped_step_has_no_duration() {
    let mut document = document();
    document.skip_step(StepName::ResolveTemplate, None, "no template", at(5));
    let step = &document.steps[0];
    assert_eq!((step.status, step.duration_s), (StepStatus::Skipped, None));
    assert_eq!(step.output, vec![("reason".to_owned(), Value::from("no template"))]);
}

#[test]
fn r37_errors_are_joined() {
    let mut document = document();
    document.append_error("first");
    document.append_error("second");
    assert_eq!(document.error.as_deref(), Some("first\nsecond"));
}

#[test]
fn r38_a_crash_after_the_second_step_leaves_two() {
    let mut document = document();
    let mut stored = document.clone();
    for (step, ms) in [(StepName::ResolveMaterials, 0), (StepName::OccGlbExport, 10), (StepName::RenderStill, 20)] {
        stored = document.clone();
        document.begin_step(step, None, at(ms));
        document.finish_step(step, None, Vec::new(), at(ms + 10)).expect("it runs");
    }
    assert_eq!(stored.steps.iter().filter(|step| step.status == StepStatus::Done).count(), 2);
}

#[test]
fn r81_update_step_completes_its_record() {
    let mut document = document();
    document.update_step(StepName::RenderStill, None, StepStatus::Running, None, at(0));
    document.update_step(StepName::RenderStill, None, StepStatus::Done, Some(Duration::from_millis(1500)), at(1600));
    assert_eq!(document.steps.len(), 1);
    let step = &document.steps[0];
    assert_eq!((step.started_at, step.completed_at, step.duration_s), (at(0), Some(at(1500)), Some(1.5)));
    assert!("render_stil".parse::<StepName>().is_err(), "an unknown step name is refused");
}

#[test]
fn each_attempt_has_records_of_its_own() {
    let mut document = document();
    let task = TaskId::new();
    document.begin_step(StepName::RenderStill, Some(task), at(0));
    document.end_running_steps(task, at(30));
    document.begin_step(StepName::RenderStill, Some(task), at(50));
    document.finish_step(StepName::RenderStill, Some(task), Vec::new(), at(60)).expect("it runs");
    let records: Vec<_> = document.steps.iter().map(|step| (step.status, step.duration_s)).collect();
    assert_eq!(records, [(StepStatus::Failed, Some(0.03)), (StepStatus::Done, Some(0.01))]);
}

#[test]
fn r34_a_report_that_comes_twice_leaves_one_record_of_each_step() {
    let mut document = document();
    let task = TaskId::new();
    let change = |name, ms, change| Change::Step { name, at: at(ms), change };
    let report = [
        change(StepName::OccGlbExport, 0, StepChange::Begin(None)),
        change(StepName::OccGlbExport, 10, StepChange::Finish(Vec::new())),
        change(StepName::RenderStill, 10, StepChange::Begin(None)),
        change(StepName::RenderStill, 20, StepChange::Fail),
        change(StepName::RenderStill, 30, StepChange::Begin(None)),
    ];
    let tell = |document: &mut JobDocument| report.iter().for_each(|change| document.apply(task, change.clone()));
    tell(&mut document);
    let once = document.clone();
    tell(&mut document);
    assert_eq!(document, once);
    assert_eq!(document.steps.len(), 3, "a step that begins again has another record");
}

#[test]
fn r87_each_task_has_records_of_its_own() {
    let mut document = document();
    let (name, one, other) = (StepName::RenderStill, TaskId::new(), TaskId::new());
    let change = |at, change| Change::Step { name, at, change };
    document.apply(one, change(at(0), StepChange::Begin(None)));
    document.apply(other, change(at(10), StepChange::Begin(None)));
    document.apply(one, change(at(20), StepChange::Finish(Vec::new())));
    document.end_running_steps(other, at(40));
    let records: Vec<_> = document.steps.iter().map(|step| (step.task_id, step.status, step.duration_s)).collect();
    let expected = [(Some(one), StepStatus::Done, Some(0.02)), (Some(other), StepStatus::Failed, Some(0.03))];
    assert_eq!(records, expected);
}
