use proptest::prelude::*;

use super::*;

fn commands() -> Vec<Command> {
    let mut all = vec![Command::StartPreview];
    for verdict in [Verdict::Allowed, Verdict::NeedsVotes, Verdict::Denied] {
        for empty in [false, true] {
            all.push(Command::FinishPreview {
                empty,
                verdict,
                carried: false,
            });
        }
    }
    all.push(Command::FinishPreview {
        empty: false,
        verdict: Verdict::NeedsVotes,
        carried: true,
    });
    all.extend([
        Command::FailPreview,
        Command::StopPreview,
        Command::LosePreview,
        Command::Approve { complete: false },
        Command::Approve { complete: true },
        Command::Reject,
        Command::Replan,
        Command::Expire,
        Command::Cancel,
        Command::StartApply {
            votes: true,
            base: true,
        },
        Command::StartApply {
            votes: false,
            base: true,
        },
        Command::StartApply {
            votes: true,
            base: false,
        },
        Command::Outdate,
        Command::RefuseApply,
        Command::RollBackApply,
        Command::FinishApply,
        Command::FailApply,
        Command::InterruptApply,
        Command::LoseApply,
        Command::Verify(Seen::AsPlanned),
        Command::Verify(Seen::Differs),
        Command::Verify(Seen::NotSeen),
        Command::StartReconcile,
        Command::LoseReconcile,
        Command::Reconcile(Found::Applied),
        Command::Reconcile(Found::NotApplied),
        Command::Reconcile(Found::Partly),
        Command::Reconcile(Found::Unclear),
    ]);
    all
}

/// The whole table, read by a person when it was written and whenever it changes.
#[test]
fn the_transition_table() {
    let mut table = String::new();
    for state in State::ALL {
        for command in commands() {
            let usual = apply(state, command, Facts::default());
            if let Ok(step) = &usual {
                table += &format!(
                    "{state:<18} {command:?} -> {} {:?}\n",
                    step.state, step.effects
                );
            }
            let facts = Facts {
                cancel_requested: true,
            };
            let canceled = apply(state, command, facts);
            if canceled != usual {
                table += &match canceled {
                    Ok(step) => format!(
                        "{state:<18} {command:?}, called off -> {} {:?}\n",
                        step.state, step.effects
                    ),
                    Err(_) => format!("{state:<18} {command:?}, called off -> refused\n"),
                };
            }
        }
    }
    insta::assert_snapshot!("transitions", table);
}

#[test]
fn an_end_is_an_end() {
    for state in State::ALL.into_iter().filter(|s| s.is_over()) {
        for command in commands() {
            assert!(
                apply(state, command, Facts::default()).is_err(),
                "{state} took {command:?}"
            );
        }
    }
}

#[test]
fn a_preview_that_was_canceled_meanwhile_ends_canceled_whatever_it_found() {
    let facts = Facts {
        cancel_requested: true,
    };
    for command in commands() {
        if let Ok(step) = apply(State::Previewing, command, facts)
            && step.state != State::Previewing
        {
            assert_eq!(step.state, State::Canceled, "{command:?}");
        }
    }
}

#[test]
fn words_are_read_back() {
    for state in State::ALL {
        assert_eq!(State::read(state.word()), Some(state));
    }
}

proptest! {
    /// Whatever happens in whatever order: the world is only ever touched after an approval of the preview at hand,
    /// once per approval, and a vanished worker never leads to another apply without a person.
    #[test]
    fn nothing_is_applied_that_was_not_approved(picks in prop::collection::vec((0usize..64, any::<bool>()), 1..80)) {
        let all = commands();
        let (mut state, mut approved, mut cancel) = (State::Queued, false, false);
        for (pick, _) in picks {
            let command = all[pick % all.len()];
            let Ok(step) = apply(state, command, Facts { cancel_requested: cancel }) else { continue };
            cancel = step.effects.contains(&Effect::AskToStop) || (cancel && step.state == state);
            match (command, step.state) {
                (_, State::Queued) => approved = false,
                (Command::FinishPreview { verdict: Verdict::Denied, .. }, next) => prop_assert!(next.is_over()),
                (_, State::Approved) => approved = true,
                (Command::StartApply { votes, base }, State::Applying) => {
                    prop_assert!(approved && votes && base && state == State::Approved);
                    approved = false;
                }
                (_, State::Applying) => prop_assert_eq!(state, State::Applying),
                _ => {}
            }
            if step.effects.contains(&Effect::QueueApply) {
                prop_assert_eq!(step.state, State::Approved);
            }
            prop_assert_eq!(step.state.is_over(), step.effects.contains(&Effect::Finish));
            state = step.state;
        }
    }
}
