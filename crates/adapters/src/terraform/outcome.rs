//! What an apply did, from what the engine said while doing it.

use std::{collections::HashMap, time::Instant};

use slipway_domain::plan::{Action, Change, Done, Outcome};

use super::sink::{Progress, ProgressState};

/// Follows the resources of one apply.
#[derive(Default)]
pub(crate) struct Tracker {
    begun: HashMap<(String, Action), Instant>,
    /// In order of completion.
    ended: Vec<(String, Action, u64, bool)>,
}

impl Tracker {
    /// Takes one event; gives it with its age.
    pub(crate) fn take(&mut self, address: &str, action: Action, state: ProgressState) -> Progress {
        let key = (address.to_owned(), action);
        let began = *self.begun.entry(key).or_insert_with(Instant::now);
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if matches!(state, ProgressState::Complete | ProgressState::Errored) {
            self.ended.push((
                address.to_owned(),
                action,
                millis,
                state == ProgressState::Complete,
            ));
        }
        Progress {
            address: address.to_owned(),
            action,
            state,
            millis,
        }
    }

    /// True while nothing outside was touched.
    pub(crate) fn is_idle(&self) -> bool {
        self.begun.is_empty()
    }

    /// Sorts the planned changes into done, failed and untouched. `all` says that the engine ended well: what it does
    /// without a word (forgetting, moving) is done then too.
    pub(crate) fn outcome(&self, planned: &[Change], all: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let mut done = Vec::new();
        for change in planned {
            let address = change.address.split(" (deposed").next().unwrap_or_default();
            let parts: &[Action] = match change.action {
                Action::Replace => &[Action::Delete, Action::Create],
                Action::Delete => &[Action::Delete],
                Action::Update => &[Action::Update],
                Action::Create => &[Action::Create],
                Action::Read => &[Action::Read],
                Action::Forget => &[],
            };
            let ended = |part: &Action| {
                self.ended
                    .iter()
                    .position(|(a, p, ..)| a == address && p == part)
            };
            let well = |part: &Action| ended(part).filter(|at| self.ended[*at].3);
            let begun = parts
                .iter()
                .any(|part| self.begun.contains_key(&(address.to_owned(), *part)));
            let millis = parts
                .iter()
                .filter_map(ended)
                .map(|at| self.ended[at].2)
                .sum();
            let entry = Done {
                address: change.address.clone(),
                action: change.action,
                millis,
            };
            let whole = !parts.is_empty() && parts.iter().all(|part| well(part).is_some());
            if whole || (all && !begun) {
                done.push((
                    parts.iter().filter_map(well).max().unwrap_or(usize::MAX),
                    entry,
                ));
            } else if begun {
                outcome.failed.push(entry);
            } else {
                outcome.untouched.push(entry);
            }
        }
        done.sort_by_key(|(at, _)| *at);
        outcome.done = done.into_iter().map(|(_, entry)| entry).collect();
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(address: &str, action: Action) -> Change {
        Change {
            address: address.to_owned(),
            kind: "terraform_data".to_owned(),
            provider: String::new(),
            action,
            reason: None,
            attributes: Vec::new(),
            unchanged: 0,
            keeps_data: false,
        }
    }

    fn names(list: &[Done]) -> Vec<&str> {
        list.iter().map(|done| done.address.as_str()).collect()
    }

    #[test]
    fn every_planned_resource_lands_in_one_of_three_places() {
        use ProgressState::{Complete, Errored, Started};
        let mut tracker = Tracker::default();
        for (address, action, state) in [
            ("late", Action::Create, Started),
            ("early", Action::Create, Started),
            ("early", Action::Create, Complete),
            ("late", Action::Create, Complete),
            ("broken", Action::Create, Started),
            ("broken", Action::Create, Errored),
            ("half", Action::Delete, Started),
            ("half", Action::Delete, Complete),
            ("cut", Action::Update, Started),
            ("anew", Action::Create, Complete),
            ("anew", Action::Delete, Complete),
        ] {
            tracker.take(address, action, state);
        }
        let planned = [
            change("late", Action::Create),
            change("early", Action::Create),
            change("broken", Action::Create),
            change("half", Action::Replace),
            change("cut", Action::Update),
            change("anew", Action::Replace),
            change("never", Action::Create),
            change("gone", Action::Forget),
        ];
        let outcome = tracker.outcome(&planned, false);
        assert_eq!(names(&outcome.done), ["early", "late", "anew"]);
        assert_eq!(names(&outcome.failed), ["broken", "half", "cut"]);
        assert_eq!(names(&outcome.untouched), ["never", "gone"]);
        assert_eq!(names(&tracker.outcome(&planned[7..], true).done), ["gone"]);
    }
}
