use std::{cmp::Ordering, fmt, str::FromStr};

/// A released version, `1.11.4`, or one before it, `1.12.0-rc1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    before: String,
}

/// Which versions a template accepts, in Terraform's own words: `>= 1.9, < 2.0`, `~> 1.11`, `= 1.11.4`, `!= 1.10.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    text: String,
    terms: Vec<(Operator, Version, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    AtLeast,
    Less,
    AtMost,
    Pessimistic,
}

/// A text that is no version or no constraint.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a version constraint such as `>= 1.9, < 2.0`")]
pub struct NotAConstraint(String);

/// Reads one to three numbers and an optional `-word`; says how many numbers were given.
fn read(text: &str) -> Option<(Version, usize)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split('+').next().unwrap_or_default();
    let (numbers, before) = text.split_once('-').unwrap_or((text, ""));
    let mut version = Version {
        numbers: [0; 3],
        before: before.to_owned(),
    };
    let mut given = 0;
    for part in numbers.split('.') {
        if given == 3 || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        version.numbers[given] = part.parse().ok()?;
        given += 1;
    }
    Some((version, given))
}

impl FromStr for Version {
    type Err = NotAConstraint;
    fn from_str(text: &str) -> Result<Self, NotAConstraint> {
        read(text.trim())
            .map(|(version, _)| version)
            .ok_or_else(|| NotAConstraint(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if self.before.is_empty() {
            Ok(())
        } else {
            write!(f, "-{}", self.before)
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let release = |v: &Self| v.before.is_empty();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| release(self).cmp(&release(other)))
            .then_with(|| self.before.cmp(&other.before))
    }
}

impl FromStr for Constraint {
    type Err = NotAConstraint;
    fn from_str(text: &str) -> Result<Self, NotAConstraint> {
        let refuse = || NotAConstraint(text.to_owned());
        let mut terms = Vec::new();
        for term in text.split(',').map(str::trim) {
            let digits = term
                .find(|c: char| c.is_ascii_digit() || c == 'v')
                .ok_or_else(refuse)?;
            let operator = match term[..digits].trim() {
                "" | "=" => Operator::Equal,
                "!=" => Operator::NotEqual,
                ">" => Operator::Greater,
                ">=" => Operator::AtLeast,
                "<" => Operator::Less,
                "<=" => Operator::AtMost,
                "~>" => Operator::Pessimistic,
                _ => return Err(refuse()),
            };
            let (version, given) = read(&term[digits..]).ok_or_else(refuse)?;
            terms.push((operator, version, given));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            terms,
        })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Constraint {
    /// True if the version is one of those. As in Terraform, a version before a release is met only by its own name.
    #[must_use]
    pub fn accepts(&self, version: &Version) -> bool {
        self.terms.iter().all(|(operator, bound, given)| {
            let exact = version == bound;
            if !version.before.is_empty() && !matches!(operator, Operator::NotEqual) {
                return exact && !matches!(operator, Operator::Greater | Operator::Less);
            }
            match operator {
                Operator::Equal => exact,
                Operator::NotEqual => !exact,
                Operator::Greater => version > bound,
                Operator::AtLeast => version >= bound,
                Operator::Less => version < bound,
                Operator::AtMost => version <= bound,
                // `~> 1.9` allows 1.10, `~> 1.9.2` allows 1.9.3: the last number given may grow.
                Operator::Pessimistic => {
                    let fixed = given.saturating_sub(1).max(1);
                    version >= bound && version.numbers[..fixed] == bound.numbers[..fixed]
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_say_yes_and_no_as_terraform_does() {
        let cases = [
            (
                ">= 1.9, < 2.0",
                "1.9.0 1.11.4 1.99.0",
                "1.8.9 2.0.0 1.12.0-rc1",
            ),
            (">= 1.9", "1.9.0 2.0.0", "1.8.5"),
            ("~> 1.9", "1.9.0 1.11.4", "2.0.0 1.8.0"),
            ("~> 1.9.2", "1.9.2 1.9.9", "1.10.0 1.9.1"),
            ("1.11.4", "1.11.4", "1.11.5"),
            ("= v1.11.4", "1.11.4", "1.11.3"),
            ("!= 1.10.0, > 1.9", "1.9.1 1.11.0", "1.10.0 1.9.0"),
            ("<= 1.9", "1.9.0 1.0.0", "1.9.1"),
            ("= 1.12.0-rc1", "1.12.0-rc1", "1.12.0 1.12.0-rc2"),
        ];
        for (text, yes, no) in cases {
            let constraint: Constraint = text.parse().unwrap();
            for (versions, expected) in [(yes, true), (no, false)] {
                for version in versions.split(' ') {
                    assert_eq!(
                        constraint.accepts(&version.parse().unwrap()),
                        expected,
                        "{text} {version}"
                    );
                }
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "", ">=", "1.2.3.4", ">= x", "=> 1", "1..2", ">= 1.9,", "1.9 || 2",
        ] {
            assert!(text.parse::<Constraint>().is_err(), "{text}");
        }
    }
}
