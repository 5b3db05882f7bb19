//! States follow the table, words are read as they are written, attempts are counted by cause.

use super::{TaskEvent as E, TaskState as S, *};

/// The table of render-jobs.md §7, line by line; `None` where nothing stands.
#[test]
fn r94_states_follow_the_table() {
    let events =
        [E::Unblock, E::Orphan, E::Await, E::Claim, E::Finish, E::Fail, E::Cancel, E::Stop, E::Release, E::Requeue];
    let row = |from: S| -> [Option<S>; 10] {
        match from {
            S::Waiting => {
                let (queued, cancelled) = (Some(S::Queued), Some(S::Cancelled));
                [queued, cancelled, None, None, None, Some(S::Failed), cancelled, None, None, None]
            }
            S::Queued => {
                let (running, failed, cancelled) = (Some(S::Running), Some(S::Failed), Some(S::Cancelled));
                [None, None, None, running, None, failed, cancelled, None, None, None]
            }
            S::Running => {
                let (completed, failed) = (Some(S::Completed), Some(S::Failed));
                let (marked, stopped, released) = (Some(S::Running), Some(S::Cancelled), Some(S::Queued));
                [None, None, None, None, completed, failed, marked, stopped, released, None]
            }
            S::Completed => [None, None, None, None, None, None, Some(from), None, None, None],
            S::Failed => [None, None, None, None, None, None, Some(from), None, None, Some(S::Queued)],
            S::Cancelled => [None, None, Some(S::Waiting), None, None, None, Some(from), None, None, None],
        }
    };
    assert_eq!(events.len(), E::ALL.len(), "the table is complete");
    for from in S::ALL {
        for (event, to) in events.into_iter().zip(row(*from)) {
            assert_eq!(from.next(event).ok(), to, "{from} {event}");
        }
    }
}

#[test]
fn old_queue_names_are_read() {
    assert_eq!("thumbnail_rendering".parse(), Ok(QueueName::Render), "C38");
    assert_eq!("step_processing".parse(), Ok(QueueName::Convert));
    assert_eq!("ai_validation".parse::<QueueName>().map_err(|error| error.word), Err("ai_validation".to_owned()));
}

#[test]
fn r74_kinds_of_tasks_are_steps_and_words_of_our_own() {
    let steps = StepName::ALL.iter().map(|step| TaskKind::Step(*step));
    for kind in steps.chain(Chore::ALL.iter().map(|chore| TaskKind::Chore(*chore))) {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert_eq!("blender_still".parse(), Ok(TaskKind::Step(StepName::RenderStill)), "C30");
    let unknown = "paint".parse::<TaskKind>().expect_err("unknown").to_string();
    assert!(unknown.starts_with("`paint` is not one of ") && unknown.contains("render_still"), "{unknown}");
}

#[test]
fn lanes_have_plain_names() {
    let long = "a".repeat(65);
    for name in ["", "Blender", "a b", "ä", "a/b", long.as_str()] {
        assert_eq!(Lane::new(name), Err(InvalidLane), "{name}");
    }
    assert_eq!(Lane::new("blender-4_2").map(|lane| lane.to_string()), Ok("blender-4_2".to_owned()));
    for queue in QueueName::ALL {
        let lane = Lane::of_queue(*queue);
        assert_eq!(Lane::new(lane.as_str()), Ok(lane));
    }
}

#[test]
fn tokens_are_random_and_told_to_nobody() {
    let tokens: std::collections::HashSet<_> = (0..1000).map(|_| LeaseToken::random()).collect();
    assert_eq!(tokens.len(), 1000);
    assert_eq!(format!("{:?}", LeaseToken::from_bytes([0xab; 16])), "abab…");
}

#[test]
fn r71_attempts_are_counted_by_cause() {
    let policy = RetryPolicy::default();
    let waits = |cause, max: i32| {
        let counts = (1..=max).map(|n| match cause {
            Cause::ServiceLost => Failures { faults: 2, service_deaths: n },
            Cause::Fault(_) => Failures { faults: n, service_deaths: 9 },
        });
        counts.map(|failures| policy.wait_after(failures, cause).map(|wait| wait.as_secs())).collect::<Vec<_>>()
    };
    assert_eq!(waits(Cause::Fault(FaultKind::Infrastructure), 4), [Some(5), Some(30), None, None]);
    assert_eq!(waits(Cause::Fault(FaultKind::Input), 2), [None; 2], "R72");
    let deaths = waits(Cause::ServiceLost, 11);
    assert_eq!(deaths[..3], [Some(5), Some(30), Some(30)]);
    assert_eq!((deaths[8], deaths[9], deaths[10]), (Some(30), None, None));
    let inline = RetryPolicy { service_deaths_max: SERVICE_DEATHS_MAX_INLINE, ..policy };
    assert_eq!(inline.wait_after(Failures { faults: 0, service_deaths: 3 }, Cause::ServiceLost), None);
}
