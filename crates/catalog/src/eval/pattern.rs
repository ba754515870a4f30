//! Regular expressions: the part of RE2's syntax that means the same in Go, which Terraform uses, and here.
//!
//! Go's classes (`\d \w \s \b`) are ASCII, ours would be Unicode: they are spelled out. What only one of the two accepts,
//! or reads differently, is not ours to decide.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::{FAILED, Outcome, Stop};
use crate::value::Val;

/// `regex(pattern, text)`.
pub(super) fn first(pattern: &str, text: &str) -> Outcome {
    let pattern = compile(pattern)?;
    pattern
        .captures(text)
        .map_or(FAILED, |found| Ok(captured(&pattern, &found)))
}

/// `regexall(pattern, text)`.
pub(super) fn all(pattern: &str, text: &str) -> Outcome {
    let pattern = compile(pattern)?;
    // Go and we step differently past empty matches; only their absence is sure.
    if pattern.find_iter(text).any(|found| found.is_empty()) {
        return Err(Stop::Undecided);
    }
    Ok(Val::List(
        pattern
            .captures_iter(text)
            .map(|found| captured(&pattern, &found))
            .collect(),
    ))
}

/// `replace(text, "/pattern/", with)`.
pub(super) fn replace(text: &str, pattern: &str, with: &str) -> Outcome {
    let pattern = compile(pattern)?;
    if with.contains('$') || pattern.find_iter(text).any(|found| found.is_empty()) {
        return Err(Stop::Undecided);
    }
    Ok(Val::Text(
        pattern
            .replace_all(text, regex::NoExpand(with))
            .into_owned(),
    ))
}

fn captured(pattern: &Regex, found: &regex::Captures<'_>) -> Val {
    let group = |found: Option<regex::Match<'_>>| {
        found.map_or(Val::Null, |m| Val::Text(m.as_str().to_owned()))
    };
    if pattern.captures_len() == 1 {
        return group(found.get(0));
    }
    let names: Vec<Option<&str>> = pattern.capture_names().skip(1).collect();
    if names.iter().any(Option::is_some) {
        let named = names
            .iter()
            .flatten()
            .map(|name| ((*name).to_owned(), group(found.name(name))));
        return Val::Object(named.collect::<BTreeMap<_, _>>());
    }
    Val::Tuple(
        (1..pattern.captures_len())
            .map(|n| group(found.get(n)))
            .collect(),
    )
}

/// A pattern of Go's, as far as it is ours as well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// It means the same here, spelled like this.
    Ours(String),
    /// Go may read it, and may read it otherwise.
    Theirs,
    /// It is no pattern, or a larger one than is judged here.
    Nobodys,
}

/// How a pattern is read here. What is ours is matched in time that grows with the text alone.
pub(crate) fn pattern(pattern: &str) -> Pattern {
    let build = |text: &str| RegexBuilder::new(text).size_limit(1 << 20).build();
    match translate(pattern) {
        Some(ours) if build(&ours).is_ok() => Pattern::Ours(ours),
        None if build(pattern).is_ok() => Pattern::Theirs,
        _ => Pattern::Nobodys,
    }
}

fn compile(pattern: &str) -> Result<Regex, Stop> {
    let ours = translate(pattern).ok_or(Stop::Undecided)?;
    RegexBuilder::new(&ours)
        .size_limit(1 << 20)
        .build()
        .map_err(|_| Stop::Undecided)
}

/// The pattern in our syntax; `None` where the two could differ.
fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.chars().peekable();
    let mut repeatable = false;
    let (mut named, mut unnamed) = (false, false);
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                out.push_str(&escape(rest.next()?, false)?);
                repeatable = true;
            }
            '[' => {
                class(&mut rest, &mut out)?;
                repeatable = true;
            }
            '(' => {
                out.push('(');
                if rest.peek() == Some(&'?') {
                    let mut group = String::new();
                    for c in rest.by_ref() {
                        group.push(c);
                        if matches!(c, ':' | '>' | ')') {
                            break;
                        }
                    }
                    let name = group
                        .strip_prefix("?P<")
                        .and_then(|name| name.strip_suffix('>'));
                    let is_name = |name: &str| {
                        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    };
                    match group.as_str() {
                        "?:" | "?i:" | "?i)" | "?s:" | "?s)" => {}
                        _ if name.is_some_and(is_name) => named = true,
                        _ => return None,
                    }
                    out.push_str(&group);
                } else {
                    unnamed = true;
                }
                repeatable = false;
            }
            '*' | '+' | '?' => {
                repeatable.then_some(())?;
                out.push(c);
                if rest.peek() == Some(&'?') {
                    out.extend(rest.next());
                }
                repeatable = false;
            }
            '{' => {
                repeatable.then_some(())?;
                let bounds: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                rest.next()?;
                let (low, high) = bounds.split_once(',').unwrap_or((&bounds, &bounds));
                let number = |text: &str| {
                    let plain = !text.is_empty()
                        && text.len() <= 3
                        && text.bytes().all(|b| b.is_ascii_digit());
                    plain.then(|| text.parse::<u32>().ok()).flatten()
                };
                let low = number(low)?;
                if !high.is_empty() && number(high)? < low {
                    return None;
                }
                out.push_str(&format!("{{{bounds}}}"));
                if rest.peek() == Some(&'?') {
                    out.extend(rest.next());
                }
                repeatable = false;
            }
            '^' | '$' | '|' => {
                out.push(c);
                repeatable = false;
            }
            ')' => {
                out.push(c);
                repeatable = true;
            }
            ']' | '}' => {
                out.push('\\');
                out.push(c);
                repeatable = true;
            }
            _ => {
                out.push(c);
                repeatable = true;
            }
        }
    }
    // Terraform refuses a mixture of named and unnamed groups.
    (!(named && unnamed)).then_some(out)
}

fn escape(c: char, in_class: bool) -> Option<String> {
    let set = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\x0C\\r ",
        'D' | 'W' | 'S' if !in_class => match c {
            'D' => "^0-9",
            'W' => "^0-9A-Za-z_",
            _ => "^\\t\\n\\x0C\\r ",
        },
        'n' | 'r' | 't' => return Some(format!("\\{c}")),
        'A' | 'z' if !in_class => return Some(format!("\\{c}")),
        'b' if !in_class => return Some("(?-u:\\b)".to_owned()),
        _ if c.is_ascii_punctuation() => return Some(regex::escape(&c.to_string())),
        _ => return None,
    };
    Some(if in_class {
        set.to_owned()
    } else {
        format!("[{set}]")
    })
}

/// A class `[…]` whose members both read alike; its opening bracket is already taken.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Option<()> {
    out.push('[');
    out.extend(rest.next_if_eq(&'^'));
    let mut previous_was_set = false;
    let mut first = true;
    loop {
        let c = rest.next()?;
        match c {
            ']' if !first => break,
            '[' if rest.peek() == Some(&':') => {
                let name: String = std::iter::from_fn(|| rest.next_if(|c| *c != ']')).collect();
                rest.next()?;
                const NAMES: [&str; 12] = [
                    ":alnum:", ":alpha:", ":ascii:", ":blank:", ":cntrl:", ":digit:", ":graph:",
                    ":lower:", ":print:", ":punct:", ":upper:", ":xdigit:",
                ];
                NAMES.contains(&name.as_str()).then_some(())?;
                out.push_str(&format!("[{name}]"));
                previous_was_set = true;
            }
            '\\' => {
                let c = rest.next()?;
                out.push_str(&escape(c, true)?);
                previous_was_set = c.is_ascii_alphabetic();
            }
            '-' => {
                let last = rest.peek() == Some(&']');
                if first || last {
                    out.push_str("\\-");
                } else if previous_was_set {
                    return None;
                } else {
                    out.push('-');
                    // What ends the range must be one plain character.
                    let end = rest.next()?;
                    match end {
                        '\\' => {
                            let c = rest.next()?;
                            (!c.is_ascii_alphanumeric()).then_some(())?;
                            out.push_str(&escape(c, true)?);
                        }
                        '[' | ']' | '-' => return None,
                        c => out.push_str(&literal(c)),
                    }
                    previous_was_set = true;
                }
            }
            c => {
                out.push_str(&literal(c));
                previous_was_set = false;
            }
        }
        first = false;
    }
    out.push(']');
    Some(())
}

/// A character inside a class, with those escaped that only our syntax gives a meaning.
fn literal(c: char) -> String {
    if matches!(c, '[' | ']' | '&' | '~' | '^' | '-') {
        format!("\\{c}")
    } else {
        c.to_string()
    }
}
