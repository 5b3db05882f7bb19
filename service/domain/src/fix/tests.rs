//! The table of suggested-fixes.md §2, and what is stamped and kept.

use proptest::prelude::*;

use super::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn notes(text: &str) -> Option<FixNotes> {
    FixNotes::read(text).expect("short")
}

/// Every state, as it is reached.
fn in_state(status: FixStatus) -> FixState {
    let outcome = Outcome::ALL.iter().find(|outcome| outcome.status() == status);
    let fresh = FixState::default();
    outcome.map_or(fresh.clone(), |outcome| fresh.next(*outcome, notes("why"), at(1)).expect("allowed"))
}

/// What the table says: the state afterwards, or the refusal.
fn expected(from: FixStatus, outcome: Option<Outcome>) -> Result<FixStatus, FixRefusal> {
    use FixStatus as S;
    match (from, outcome) {
        (S::Proposed | S::Partial | S::Pending, Some(outcome)) => Ok(outcome.status()),
        (S::Success | S::Failed | S::Dismissed, Some(_)) => Err(FixRefusal::Terminal(from)),
        (S::Proposed, None) => Ok(S::Proposed),
        (_, None) => Err(FixRefusal::NotProposed(from)),
    }
}

#[test]
fn f31_every_state_and_every_event() {
    for from in FixStatus::ALL {
        let state = in_state(*from);
        for outcome in Outcome::ALL {
            let next = state.next(*outcome, notes("n"), at(9)).map(|next| next.status);
            assert_eq!(next, expected(*from, Some(*outcome)), "{from} {outcome}");
        }
        assert_eq!(state.applied(at(9)).map(|next| next.status), expected(*from, None), "{from} apply");
        assert_eq!(from.available_outcomes().is_empty(), from.is_terminal());
    }
}

#[test]
fn f02_f08_f29_words_are_needed_where_something_is_left_or_waited_for() {
    for outcome in Outcome::ALL {
        for text in ["", "   ", "\n\t"] {
            let next = FixState::default().next(*outcome, notes(text), at(1)).map(|next| next.status);
            let needed = matches!(outcome, Outcome::Partial | Outcome::Pending);
            let expected = if needed { Err(FixRefusal::NotesRequired(*outcome)) } else { Ok(outcome.status()) };
            assert_eq!(next, expected);
        }
    }
    let long = format!("{}ää", "ä\n".repeat(NOTES_CHARS_MAX / 2 - 1));
    assert_eq!(notes(&long).expect("2,000 characters").as_str(), long);
    assert_eq!(FixNotes::read(&"ü".repeat(NOTES_CHARS_MAX + 1)), Err(NotesTooLong));
}

#[test]
fn f22_f23_a_fix_waits_and_goes_on() {
    let fresh = FixState::default();
    assert_eq!((fresh.status, fresh.applied_at, fresh.outcome_proposal.clone()), (FixStatus::Proposed, None, None));
    for from in [FixStatus::Proposed, FixStatus::Partial] {
        let pending = in_state(from).next(Outcome::Pending, notes("a sample"), at(2)).expect("allowed");
        assert_eq!(pending.status.available_outcomes(), Outcome::ALL);
        for to in [Outcome::Success, Outcome::Failed, Outcome::Partial, Outcome::Pending] {
            assert!(pending.next(to, notes("n"), at(3)).is_ok());
        }
    }
}

#[test]
fn bands_have_every_confidence() {
    for (pct, band) in [(30, "30-49"), (49, "30-49"), (50, "50-69"), (69, "50-69"), (70, "70-89"), (90, "90-97")] {
        assert_eq!(Band::of(pct).as_str(), band);
    }
}

/// An event: an outcome, or `None` for apply, with its notes.
fn events() -> impl Strategy<Value = Vec<(Option<Outcome>, Option<FixNotes>)>> {
    let outcome = prop::option::of(prop::sample::select(Outcome::ALL));
    let words = prop::sample::select(vec!["", "a", "b"]).prop_map(notes);
    prop::collection::vec((outcome, words), 0..12)
}

proptest! {
    /// F31: whatever happens in whatever order, the table holds, refusals change nothing, first stamps stay, and texts
    /// are kept.
    #[test]
    fn f31_f32_f33_f34_any_sequence(events in events()) {
        let mut state = FixState::default();
        for (now, (event, notes)) in (1..).zip(events) {
            let proposal = OutcomeProposal { verdict: Verdict::Success, reason: "r".to_owned() };
            let before = FixState { outcome_proposal: Some(proposal), ..state.clone() };
            let next = match event {
                Some(outcome) => before.next(outcome, notes.clone(), at(now)),
                None => before.applied(at(now)),
            };
            match (&next, event) {
                (Err(FixRefusal::NotesRequired(outcome)), _) => prop_assert!(outcome.needs_notes() && notes.is_none()),
                (Err(FixRefusal::Applied), None) => prop_assert!(before.applied_at.is_some()),
                (next, event) => {
                    let status = next.as_ref().map(|next| next.status).map_err(Clone::clone);
                    prop_assert_eq!(status, expected(before.status, event));
                }
            }
            let Ok(next) = next else { continue };
            let is_stamped = event != Some(Outcome::Dismissed);
            prop_assert_eq!(next.applied_at, before.applied_at.or(is_stamped.then_some(at(now))));
            prop_assert_eq!(next.verified_at.is_some(), matches!(next.status, FixStatus::Success | FixStatus::Failed));
            prop_assert_eq!(next.outcome_proposal.is_some(), event.is_none());
            let kept = |own: Outcome, text: &Option<FixNotes>| if event == Some(own) { notes.clone() } else { text.clone() };
            prop_assert_eq!(&next.partial_notes, &kept(Outcome::Partial, &before.partial_notes));
            prop_assert_eq!(&next.pending_reason, &kept(Outcome::Pending, &before.pending_reason));
            prop_assert_eq!(&next.failure_reason, &kept(Outcome::Failed, &before.failure_reason));
            state = FixState { outcome_proposal: None, ..next };
        }
    }
}
