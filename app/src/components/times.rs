//! Moments: relative in the text, the exact UTC on hover and for machines.

use leptos::prelude::*;
use slipway_domain::time_text;
use time::OffsetDateTime;

use super::View;

/// Now, as the request says it. The shell provides it to the parts of its page.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub OffsetDateTime);

/// Now; the zero of time outside of a page.
#[must_use]
pub fn now() -> OffsetDateTime {
    use_context::<Clock>().map_or(OffsetDateTime::UNIX_EPOCH, |clock| clock.0)
}

/// How long ago: `6 min ago`.
#[must_use]
pub fn ago(at: OffsetDateTime) -> View {
    stamp(at, time_text::ago(now(), at), "ago")
}

/// What is left until `at`: `5 h`; `now` when it is past.
#[must_use]
pub fn left(at: OffsetDateTime) -> View {
    stamp(
        at,
        time_text::left(now(), at).unwrap_or_else(|| "a moment".into()),
        "left",
    )
}

/// The moment itself, in words: for lists where the exact time is the point.
#[must_use]
pub fn moment(at: OffsetDateTime) -> View {
    let text = time_text::exact(at);
    view! { <time datetime=time_text::machine(at)>{text}</time> }.into_any()
}

fn stamp(at: OffsetDateTime, text: String, kind: &'static str) -> View {
    view! { <time datetime=time_text::machine(at) title=time_text::exact(at) data-ago=kind>{text}</time> }.into_any()
}
