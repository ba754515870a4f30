//! Terraform's version constraints, such as `>= 1.9, < 2.0`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version constraint: every part must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    text: String,
    parts: Vec<(Operator, Vec<u64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Pessimistic,
}

impl Constraint {
    /// Reads a constraint of released versions; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        const OPERATORS: [(&str, Operator); 7] = [
            ("!=", Operator::NotEqual),
            (">=", Operator::GreaterEqual),
            ("<=", Operator::LessEqual),
            ("~>", Operator::Pessimistic),
            ("=", Operator::Equal),
            (">", Operator::Greater),
            ("<", Operator::Less),
        ];
        let part = |part: &str| {
            let part = part.trim();
            let (operator, version) = OPERATORS
                .iter()
                .find_map(|(sign, operator)| Some((*operator, part.strip_prefix(sign)?)))
                .unwrap_or((Operator::Equal, part));
            Some((operator, numbers(version.trim())?))
        };
        let parts = text.split(',').map(part).collect::<Option<Vec<_>>>()?;
        Some(Self {
            text: text.trim().to_owned(),
            parts,
        })
    }

    /// Whether `version` (`1.11.4`, `v1.12.0-rc1`) satisfies it. A version before its release never does, as in
    /// Terraform, unless it is no version at all.
    #[must_use]
    pub fn accepts(&self, version: &str) -> bool {
        let Some(version) = numbers(version.strip_prefix('v').unwrap_or(version)) else {
            return false;
        };
        self.parts.iter().all(|(operator, wanted)| {
            let order = padded(&version).cmp(&padded(wanted));
            match operator {
                Operator::Equal => order.is_eq(),
                Operator::NotEqual => order.is_ne(),
                Operator::Greater => order.is_gt(),
                Operator::GreaterEqual => order.is_ge(),
                Operator::Less => order.is_lt(),
                Operator::LessEqual => order.is_le(),
                // `~> 1.9` lets the last given part grow, and nothing before it.
                Operator::Pessimistic => {
                    let fixed = wanted.len().saturating_sub(1).max(1);
                    order.is_ge()
                        && (wanted.len() == 1
                            || padded(&version)[..fixed] == padded(wanted)[..fixed])
                }
            }
        })
    }
}

/// One to three numbers; nothing else may follow.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let numbers = version
        .split('.')
        .map(|part| {
            let plain =
                !part.is_empty() && part.len() < 10 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        })
        .collect::<Option<Vec<u64>>>()?;
    (numbers.len() <= 3).then_some(numbers)
}

fn padded(version: &[u64]) -> [u64; 3] {
    std::array::from_fn(|n| version.get(n).copied().unwrap_or(0))
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Constraint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no version constraint"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_mean_what_terraform_means() {
        let cases = [
            (">= 1.9", "1.11.4", true),
            (">= 1.9", "1.8.5", false),
            (">= 1.9", "1.9.0", true),
            (">= 1.9, < 2.0", "2.0.0", false),
            ("~> 1.9", "1.15.5", true),
            ("~> 1.9", "2.0.0", false),
            ("~> 1.9.1", "1.9.8", true),
            ("~> 1.9.1", "1.10.0", false),
            ("~> 1.9.1", "1.9.0", false),
            ("~> 1", "2.0.0", true),
            ("1.11.4", "1.11.4", true),
            ("!= 1.11.4", "1.11.4", false),
            ("> 1.11", "1.11.0", false),
            (">= 1.9", "v1.12.6", true),
            (">= 1.9", "1.12.0-rc1", false),
            (">= 1.9", "", false),
        ];
        for (constraint, version, wanted) in cases {
            let parsed = Constraint::parse(constraint).expect(constraint);
            assert_eq!(
                parsed.accepts(version),
                wanted,
                "{constraint} accepts {version}"
            );
        }
        for bad in ["", "latest", ">= 1.x", "1.2.3.4", "=> 1", ">= 1.9,", "~> "] {
            assert_eq!(Constraint::parse(bad), None, "{bad:?}");
        }
    }
}
