//! The risk brief: what of a plan deserves a look, worst first.

use leptos::prelude::*;
use slipway_domain::risk::{Kind, Look};

use super::{Icon, Tone, View, icon, soft};

/// How many looks stand open; the rest fold.
const OPEN: usize = 8;

const fn style(kind: Kind) -> (Tone, Icon, &'static str) {
    match kind {
        Kind::Data => (Tone::Stop, Icon::Data, "data"),
        Kind::Destroy => (Tone::Stop, Icon::Minus, "destroy"),
        Kind::Replace => (Tone::Swap, Icon::Swap, "replace"),
        Kind::Exposure => (Tone::Stop, Icon::Globe, "exposure"),
        Kind::Identity => (Tone::Sea, Icon::Key, "identity"),
        Kind::Drift => (Tone::Wait, Icon::Differ, "drift"),
        Kind::FirstUse => (Tone::Sea, Icon::Spark, "first use"),
    }
}

fn item(look: Look) -> View {
    let (tone, shape, word) = style(look.kind);
    view! {
        <li class=tone.class()>
            {icon(shape)}
            <div>
                <b>{look.address.as_deref().map(soft)}{look.address.is_some().then_some(" ")}{look.what}</b>
                {(!look.detail.is_empty()).then(|| view! { <p>{look.detail}</p> })}
            </div>
            <span class="kind">{word}</span>
        </li>
    }
    .into_any()
}

/// The list; `None` if nothing deserves a look.
#[must_use]
pub fn looks(of: Vec<Look>, inset: bool) -> Option<View> {
    if of.is_empty() {
        return None;
    }
    let class = if inset { "looks inset" } else { "looks" };
    let mut open: Vec<View> = of.into_iter().map(item).collect();
    let rest = open.split_off(open.len().min(OPEN));
    let more = rest.len();
    Some(
        view! {
            <ul class=class>{open}</ul>
            {(more > 0).then(|| view! {
                <details class="morelooks"><summary>{format!("{more} more")}</summary><ul class=class>{rest}</ul></details>
            })}
        }
        .into_any(),
    )
}
