//! Judging an exported trail: is every record the one that was sealed, in its place, and is the whole signed?
//!
//! Three things hold each other. A record's hash is over its text; a link of the chain is over the link before and the
//! record's hash; a checkpoint is a signature over a link, by a key that the database does not hold. Whoever changes a
//! text breaks its hash; whoever makes hashes anew breaks a link; whoever makes links anew has no signature.

use std::fmt;

use slipway_seal::{hex, is_signed, sha256, unhex};
use slipway_services::audit::chain::{Checkpoint, Head, Line, Link};

/// What was found to be well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Sealed records.
    pub records: usize,
    /// Of those, records whose text is not in the file.
    pub withheld: usize,
    /// The last place in the chain that a signature covers.
    pub signed: i64,
    /// When it was signed, as seconds since 1970.
    pub signed_at: i64,
    /// Sealed after that.
    pub unsigned: i64,
    /// Not sealed yet.
    pub unsealed: usize,
    /// The public half of the key.
    pub key: String,
    /// Whether the reader named that key.
    pub trusted: bool,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records in one chain, signed up to record {} at {} (seconds since 1970)",
            self.records, self.signed, self.signed_at
        )?;
        if self.withheld > 0 {
            write!(f, "\n  {} of them by their hash alone", self.withheld)?;
        }
        if self.unsigned > 0 {
            write!(
                f,
                "\n  {} at the end are sealed and not signed yet",
                self.unsigned
            )?;
        }
        if self.unsealed > 0 {
            write!(
                f,
                "\n  {} more are not sealed yet: nothing vouches for those",
                self.unsealed
            )?;
        }
        write!(f, "\n  key {}", self.key)?;
        if !self.trusted {
            write!(
                f,
                "\n  This key is the file's own word. Compare it with the one on the portal's settings page as you noted it, or name it: --key"
            )?;
        }
        Ok(())
    }
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is no export, or a line cannot be read.
    Form(usize),
    /// A record's text is not the one that was sealed.
    Edited(i64),
    /// A record that was sealed is missing.
    Removed(i64),
    /// A record stands here that was never sealed here.
    Inserted(i64),
    /// A record stands in another place than it was sealed in.
    Reordered(i64),
    /// A record does not follow from the one before it, though its own hash is of its own text.
    Broken(i64),
    /// The chain was made anew: what was signed at this place is another one. Something at or before it, and after the
    /// last good signature, was changed.
    Forged {
        /// The last place whose signature is good.
        after: i64,
        /// The place whose signature is not.
        at: i64,
    },
    /// Signed by another key than the one that was named.
    OtherKey(String),
    /// Nothing in it is signed.
    Unsigned,
    /// A signature was noted outside of the database over a record that is not there any more: the end of the trail was
    /// cut off, and its signatures in the database with it.
    CutOff {
        /// The last record that the trail has.
        ends: i64,
        /// The record that was signed, and noted.
        noted: i64,
    },
    /// A line of the file with the noted signatures is none, or is signed by another key.
    Note(usize),
    /// The last signature is older than an export of its time could have: its end was cut off, or no sealer ran.
    Cut {
        /// The last record that is signed.
        signed: i64,
        /// Seconds between the last signature and the export.
        age: i64,
    },
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(line) => write!(f, "Line {line} is not a line of an exported trail."),
            Self::Edited(seq) => write!(
                f,
                "Record {seq} was edited: its text is not the one that was sealed."
            ),
            Self::Removed(seq) => write!(f, "Record {seq} was removed."),
            Self::Inserted(seq) => write!(
                f,
                "Record {seq} was inserted: it was never sealed in this place."
            ),
            Self::Reordered(seq) => write!(
                f,
                "Record {seq} stands in another place than it was sealed in."
            ),
            Self::Broken(seq) => write!(
                f,
                "Record {seq} does not follow from the one before: it was edited and its hash made anew, or one before it was removed and the rest numbered anew."
            ),
            Self::Forged { after, at } => write!(
                f,
                "The chain up to record {at} is not the one that was signed: a record from {} to {at} was changed, and the hashes made anew.",
                after + 1
            ),
            Self::OtherKey(key) => write!(f, "It was signed by another key: {key}."),
            Self::Unsigned => write!(f, "Nothing in it is signed."),
            Self::CutOff { ends, noted } => write!(
                f,
                "The trail ends at record {ends}, and a signature over record {noted} was noted outside of the database: its end was cut off, together with the signatures over it."
            ),
            Self::Note(line) => write!(
                f,
                "Line {line} of the noted signatures is no signature by the key of this trail."
            ),
            Self::Cut { signed, age } => write!(
                f,
                "The last signature, after record {signed}, is {age} seconds older than the export: its end was cut off, or no worker was sealing."
            ),
        }
    }
}

/// A whole trail is signed at least this often, in seconds; a little more for a slow sealer.
const OLDEST: i64 = 15 * 60;

/// Judges an export. `key` is the public half that the reader trusts, in hexadecimal.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(text: &str, key: Option<&str>) -> Result<Found, Wrong> {
    let mut lines = Vec::new();
    for (n, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        // What is there for people alone.
        if line.starts_with("{\"about\":") {
            continue;
        }
        lines.push(serde_json::from_str::<Line>(line).map_err(|_| Wrong::Form(n + 1))?);
    }
    let Some(Line::Head(head)) = lines.first().cloned() else {
        return Err(Wrong::Form(1));
    };
    if head.kind != "slipway audit" || head.version != 1 {
        return Err(Wrong::Form(1));
    }
    let links: Vec<&Link> = lines
        .iter()
        .filter_map(|l| if let Line::Link(l) = l { Some(l) } else { None })
        .collect();
    let signed: Vec<&Checkpoint> = lines
        .iter()
        .filter_map(|l| {
            if let Line::Checkpoint(c) = l {
                Some(c)
            } else {
                None
            }
        })
        .collect();
    follow(&head, &links)?;
    let (last, named) = signatures(&head, &links, &signed, key)?;
    let end = links.last().map_or(head.after, |l| l.seq);
    let age = head.at - last.at;
    if head.run.is_none() && age > OLDEST {
        return Err(Wrong::Cut {
            signed: last.seq,
            age,
        });
    }
    Ok(Found {
        records: links.len(),
        withheld: links.iter().filter(|l| l.text.is_none()).count(),
        signed: last.seq,
        signed_at: last.at,
        unsigned: end - last.seq,
        unsealed: lines
            .iter()
            .filter(|l| matches!(l, Line::Unsealed(_)))
            .count(),
        key: last.key.clone(),
        trusted: named,
    })
}

/// Compares a trail that is whole in itself with the signatures that were noted outside of the database. A last line that
/// was being written when the machine stopped is none.
///
/// # Errors
/// What was noted and is not in the trail.
pub fn compare(text: &str, noted: &str, found: Found) -> Result<Found, Wrong> {
    let lines: Vec<Line> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let Some(Line::Head(head)) = lines.first() else {
        return Err(Wrong::Form(1));
    };
    let chain: std::collections::BTreeMap<i64, &str> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Link(link) => Some((link.seq, link.chain.as_str())),
            _ => None,
        })
        .collect();
    let ends = chain.keys().next_back().copied().unwrap_or(head.after);
    let mut after = head.after;
    for (n, line) in noted.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() || !line.ends_with('\n') {
            continue;
        }
        let Ok(Line::Checkpoint(one)) = serde_json::from_str::<Line>(line) else {
            return Err(Wrong::Note(n + 1));
        };
        let ours = match (unhex(&one.key), unhex(&one.signature)) {
            (Some(public), Some(signature)) => {
                one.key == found.key && is_signed(&public, one.message().as_bytes(), &signature)
            }
            _ => false,
        };
        if !ours {
            return Err(Wrong::Note(n + 1));
        }
        match chain.get(&one.seq) {
            Some(chain) if *chain == one.chain => after = one.seq,
            Some(_) => {
                return Err(Wrong::Forged { after, at: one.seq });
            }
            // The evidence of one run is a piece of the chain; a trail goes to its end.
            None if one.seq > ends && head.run.is_none() && one.at <= head.at => {
                return Err(Wrong::CutOff {
                    ends,
                    noted: one.seq,
                });
            }
            None => {}
        }
    }
    Ok(found)
}

fn link(before: &str, record: &str) -> Option<String> {
    let mut bytes = unhex(before)?;
    bytes.extend(unhex(record)?);
    Some(hex(&sha256(&bytes)))
}

/// Follows the chain from line to line, and names what breaks it.
fn follow(head: &Head, links: &[&Link]) -> Result<(), Wrong> {
    let mut before = head.before.as_str();
    for (n, one) in links.iter().enumerate() {
        let place = head.after + 1 + n as i64;
        let follows =
            |of: &Link, chain: &str| link(chain, &of.record).as_deref() == Some(&of.chain);
        if one.seq != place {
            // Is what belongs here further down? Then this one stands in its place.
            let later = links[n..].iter().any(|l| l.seq == place);
            let known = links[..n].iter().any(|l| l.seq == one.seq);
            return Err(match (known, later) {
                (true, _) => Wrong::Inserted(one.seq),
                (false, true) => Wrong::Reordered(one.seq),
                (false, false) => Wrong::Removed(place),
            });
        }
        if let Some(text) = &one.text
            && hex(&sha256(text.as_bytes())) != one.record
        {
            return Err(Wrong::Edited(place));
        }
        if !follows(one, before) {
            // Numbers may have been made anew. Whichever later link follows from here tells what happened.
            return Err(
                match links[n + 1..].iter().find(|later| follows(later, before)) {
                    Some(later) if follows(one, &later.chain) => Wrong::Reordered(place),
                    Some(_) => Wrong::Inserted(place),
                    None => Wrong::Broken(place),
                },
            );
        }
        before = &one.chain;
    }
    Ok(())
}

/// Judges each signature; gives the last, and whether the reader named its key.
fn signatures<'l>(
    head: &Head,
    links: &[&Link],
    signed: &[&'l Checkpoint],
    key: Option<&str>,
) -> Result<(&'l Checkpoint, bool), Wrong> {
    let mut last: Option<&Checkpoint> = None;
    let named = key.map(str::to_lowercase);
    for one in signed {
        if let Some(named) = &named
            && one.key != *named
        {
            return Err(Wrong::OtherKey(one.key.clone()));
        }
        let after = last.map_or(head.after, |l| l.seq);
        let forged = Wrong::Forged { after, at: one.seq };
        let here = links.iter().find(|l| l.seq == one.seq);
        // A signature over a place that is not in the file: what it covers was taken out.
        let Some(here) = here else {
            return Err(Wrong::Removed(
                links.last().map_or(head.after, |l| l.seq) + 1,
            ));
        };
        let (Some(public), Some(signature)) = (unhex(&one.key), unhex(&one.signature)) else {
            return Err(forged);
        };
        let good =
            here.chain == one.chain && is_signed(&public, one.message().as_bytes(), &signature);
        if !good {
            return Err(forged);
        }
        last = Some(one);
    }
    Ok((last.ok_or(Wrong::Unsigned)?, named.is_some()))
}
