//! RULE BOOK: who must approve what.
//!
//! Rego, evaluated in-process by regorus. Pure: an input document gives an answer; no I/O, no clock, no network. The
//! default policy ships in `default.rego`; every answer names the rule or the reason, for the run page.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use slipway_domain::{
    environment::Class,
    plan::Tally,
    run::{Operation, Verdict},
    votes::Need,
};

/// The default policy's text: what an auditor reads beside its answers.
pub const DEFAULT: &str = include_str!("default.rego");

/// What the policy is asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The environment.
    pub environment: Environment,
    /// The run.
    pub run: Run,
    /// The preview's facts.
    pub preview: Preview,
    /// The environment's team.
    pub team: Team,
}

/// The environment, as far as rules need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// The template's name.
    pub template: String,
}

/// The run, as far as rules need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it does.
    pub operation: Operation,
    /// A rule asked for it (the end of the environment's time), no person.
    pub by_rule: bool,
}

/// The preview, as far as rules need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// Made, changed, replaced, destroyed.
    pub tally: Tally,
    /// Something that holds data is destroyed or replaced.
    pub destroys_data: bool,
    /// The engine says that it can be applied.
    pub applyable: bool,
    /// Resource types that change.
    pub types: Vec<String>,
}

/// The team, as far as rules need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// Preview environments that exist or are being made, this one included.
    pub previews: i64,
    /// How many it may have without a vote.
    pub preview_quota: i64,
}

/// What the policy answers. Stored with the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Why it is forbidden; empty if it is not.
    #[serde(default)]
    pub deny: Vec<String>,
    /// What people should know.
    #[serde(default)]
    pub warn: Vec<String>,
    /// Votes that are needed.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// By which rule nobody needs to vote.
    #[serde(default)]
    pub rule: Option<String>,
    /// How long votes may be given, in hours.
    #[serde(default)]
    pub votes_live_hours: i64,
}

impl Answer {
    /// The verdict for the run's state machine.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.deny.is_empty() {
            Verdict::Denied
        } else if self.needs.is_empty() {
            Verdict::Allowed
        } else {
            Verdict::NeedsVotes
        }
    }
}

/// The policy cannot be evaluated. Nothing may be approved then.
#[derive(Debug, thiserror::Error)]
#[error("the policy cannot be evaluated: {0}")]
pub struct Error(String);

/// Asks the default policy.
///
/// # Errors
/// If the policy fails or answers in another shape; and if it answers neither with needs nor with a rule, because
/// "nobody needs to vote" must be somebody's decision.
pub fn decide(input: &Input) -> Result<Answer, Error> {
    static ENGINE: OnceLock<Result<regorus::Engine, String>> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| load(DEFAULT).map_err(|error| error.0));
    evaluate(
        engine
            .as_ref()
            .map_err(|error| Error(error.clone()))?
            .clone(),
        input,
    )
}

fn load(rego: &str) -> Result<regorus::Engine, Error> {
    let mut engine = regorus::Engine::new();
    engine
        .add_policy("policy.rego".into(), rego.into())
        .map_err(|error| Error(error.to_string()))?;
    Ok(engine)
}

fn evaluate(mut engine: regorus::Engine, input: &Input) -> Result<Answer, Error> {
    let said = |error: &dyn std::fmt::Display| Error(error.to_string());
    let input = serde_json::to_string(input).map_err(|e| said(&e))?;
    engine.set_input_json(&input).map_err(|e| said(&e))?;
    let mut answer = serde_json::Map::new();
    for rule in ["deny", "warn", "needs", "rule", "votes_live_hours"] {
        let value = engine
            .eval_rule(format!("data.slipway.{rule}"))
            .map_err(|e| said(&e))?;
        if value != regorus::Value::Undefined {
            let text = value.to_json_str().map_err(|e| said(&e))?;
            answer.insert(
                rule.into(),
                serde_json::from_str(&text).map_err(|e| said(&e))?,
            );
        }
    }
    let answer: Answer = serde_json::from_value(answer.into()).map_err(|e| said(&e))?;
    if answer.deny.is_empty() && answer.needs.is_empty() && answer.rule.is_none() {
        return Err(Error("no rule says that nobody needs to vote".into()));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use slipway_domain::votes::VoterRole;

    use super::*;

    fn input(class: Class, operation: Operation, previews: i64, destroys_data: bool) -> Input {
        Input {
            environment: Environment {
                name: "e".into(),
                class,
                template: "t".into(),
            },
            run: Run {
                operation,
                by_rule: false,
            },
            preview: Preview {
                tally: Tally::default(),
                destroys_data,
                applyable: true,
                types: vec![],
            },
            team: Team {
                name: "t".into(),
                previews,
                preview_quota: 3,
            },
        }
    }

    fn roles(input: &Input) -> Vec<VoterRole> {
        let mut roles: Vec<VoterRole> = decide(input)
            .unwrap()
            .needs
            .iter()
            .map(|n| n.role)
            .collect();
        roles.sort();
        roles
    }

    #[test]
    fn the_default_policy() {
        use Class::{Preview, Production, Shared};
        use Operation::{Change, Create, Destroy};
        use VoterRole::{Lead, Operator};
        for operation in [Create, Change, Destroy] {
            assert_eq!(roles(&input(Preview, operation, 3, false)), []);
            assert_eq!(roles(&input(Shared, operation, 0, false)), [Lead]);
            assert_eq!(
                roles(&input(Production, operation, 0, false)),
                [Lead, Operator]
            );
            for class in [Preview, Shared, Production] {
                assert_eq!(
                    roles(&input(class, operation, 0, true)),
                    [Lead, Operator],
                    "{class:?} {operation:?}"
                );
            }
        }
        assert_eq!(
            roles(&input(Preview, Create, 4, false)),
            [Lead],
            "over its quota"
        );
        assert_eq!(
            roles(&input(Preview, Destroy, 4, false)),
            [],
            "a destroy never waits for the quota"
        );
    }

    #[test]
    fn nobody_needed_names_its_rule() {
        let answer = decide(&input(Class::Preview, Operation::Create, 1, false)).unwrap();
        assert_eq!(
            answer.rule.as_deref(),
            Some("preview environment within the team's quota")
        );
        assert_eq!(answer.verdict(), Verdict::Allowed);
    }

    #[test]
    fn a_plan_that_cannot_be_applied_is_denied_with_its_reason() {
        let mut input = input(Class::Preview, Operation::Create, 1, false);
        input.preview.applyable = false;
        let answer = decide(&input).unwrap();
        assert_eq!(answer.verdict(), Verdict::Denied);
        assert_eq!(answer.deny, ["The engine refuses to apply this plan."]);
    }

    #[test]
    fn a_policy_that_says_nothing_allows_nothing() {
        let engine = load("package slipway\nimport rego.v1\n").unwrap();
        assert!(evaluate(engine, &input(Class::Preview, Operation::Create, 1, false)).is_err());
    }
}
