//! When there is nothing to show: not found, refused, broken.

use leptos::prelude::*;
use slipway_services::Refusal;

use crate::components::{Fault, Icon, View, fault, icon};

/// Nothing here, or nothing for the reader: the same page for both, to the byte.
#[must_use]
pub fn not_found() -> View {
    view! {
        <div class="card empty lost">
            {icon(Icon::Mark)}
            <h1>"Nothing here that you can see"</h1>
            <p>"There is nothing at this address, or it is not one of yours. Somebody of the team that it belongs to can tell you."</p>
            <div class="acts"><a class="btn primary" href="/">"Home"</a><a class="btn" href="/environments">"Your environments"</a></div>
        </div>
    }
    .into_any()
}

/// It is there, and it can't be done.
#[must_use]
pub fn refused(refusal: &Refusal, back: &str) -> View {
    let of = Fault {
        message: refusal.message.clone(),
        detail: refusal.detail.clone(),
        hint: refusal.hint.clone(),
    };
    let back = back.to_owned();
    view! {
        <div class="head"><h1>"That was not done"</h1></div>
        <div class="gapped">{fault("Refused", of, Some(view! { <a class="btn" href=back>"Back"</a> }.into_any()))}</div>
    }
    .into_any()
}

/// Something of ours is broken. What exactly stands in the log, by the request's id.
#[must_use]
pub fn broken(database: bool, request_id: &str, here: &str) -> View {
    let of = if database {
        Fault {
            message: "The database did not answer.".into(),
            detail: "It may be starting, or the connection was lost. Nothing was changed by this request.".into(),
            hint: "Try again in a moment. If it lasts, somebody should look at the database of Slipway.".into(),
        }
    } else {
        Fault {
            message: "Something of Slipway’s own is broken.".into(),
            detail: "It is written in the log of the web process, under the request below.".into(),
            hint: "Try again. If it lasts, give the request’s id to whoever runs Slipway.".into(),
        }
    };
    let acts = view! {
        <a class="btn" href=here.to_owned()>"Try again"</a>
        <span class="muted">"Request "<code class="any">{request_id.to_owned()}</code></span>
    };
    view! {
        <div class="head"><h1>"This page could not be made"</h1></div>
        <div class="gapped">{fault("Not your fault", of, Some(acts.into_any()))}</div>
    }
    .into_any()
}
