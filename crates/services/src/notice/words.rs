//! What a message says. Pure, so that a test can put the worst names into it.

use slipway_domain::run::{Operation, State};

use super::{Channel, Message, store::Facts};

/// Puts it together.
pub fn message(of: &Facts, base: &str) -> Message {
    let environment = line(&of.environment);
    let team = line(&of.team);
    let who = of.requester.as_deref().map_or_else(
        || "A rule asks".to_owned(),
        |name| format!("{} asks", line(name)),
    );
    let verb = match of.operation {
        Operation::Create => "create",
        Operation::Change => "change",
        Operation::Destroy => "destroy",
    };
    let class = &of.class;
    let url = format!("{base}/runs/{}", of.run);
    let (subject, text) = if of.waits {
        (
            format!("{environment} waits for your vote"),
            format!(
                "{who} to {verb} the environment {environment} (team {team}, {class}). It waits for a vote."
            ),
        )
    } else {
        let (short, long) = end(State::read(&of.cause).unwrap_or(of.state));
        (
            format!("{environment}: {short}"),
            format!(
                "The request to {verb} the environment {environment} (team {team}, {class}): {long}"
            ),
        )
    };
    match of.channel {
        Channel::Mail => {
            let why = if of.waits {
                "You get this because you may vote on it."
            } else {
                "You get this because you asked for it."
            };
            let next = if of.waits {
                "What exactly would change, and where to decide, is on its page:"
            } else {
                "What happened is on its page:"
            };
            Message {
                id: of.id,
                channel: of.channel,
                to: of.to.clone().unwrap_or_default(),
                subject: format!("[Slipway] {subject}"),
                text: format!(
                    "{text}\n\n{next}\n{url}\n\n--\n{why} Mail can be switched off at {base}/sessions\n"
                ),
            }
        }
        Channel::Chat => Message {
            id: of.id,
            channel: of.channel,
            to: String::new(),
            subject: String::new(),
            text: format!("{} {url}", tame(&text)),
        },
    }
}

/// How it ended: for a subject, and for a sentence.
fn end(state: State) -> (&'static str, &'static str) {
    match state {
        State::Succeeded => ("done", "it was carried out, and seen to be as planned."),
        State::NoChanges => ("nothing to do", "there was nothing to change."),
        State::Rejected => ("rejected", "it was rejected."),
        State::Expired => ("nobody decided", "nobody decided in time."),
        State::Canceled => ("canceled", "it was called off."),
        State::Degraded => (
            "done, with a difference",
            "it was carried out, and something is not as it should be.",
        ),
        State::NotApplied => ("not carried out", "nothing of it was carried out."),
        State::PartlyApplied => ("partly carried out", "a part of it was carried out."),
        State::Unknown => (
            "its end is unknown",
            "nobody knows how far it came. Somebody must have it looked at; until then nothing else starts there.",
        ),
        _ => ("failed", "it failed."),
    }
}

/// Somebody's words as one line: whatever could begin another header, or turn a terminal, becomes a space.
fn line(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
                ' '
            } else {
                c
            }
        })
        .take(100)
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A chat's own marks say nothing in it: nobody's name calls a whole room.
fn tame(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        // A link of their own, or a word that calls everybody.
        .replace('@', "@\u{200b}")
}
