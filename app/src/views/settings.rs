//! The settings in force.

use leptos::prelude::*;
use slipway_services::settings::InForce;

use crate::{
    components::{View, ago, facts, link, text},
    site::Site,
};

/// The settings of sign-in as they are in force. Never a secret.
#[must_use]
pub fn settings(site: &Site, key: Option<String>, desk: &InForce) -> View {
    let list = |of: &[String], none: &str| {
        if of.is_empty() {
            none.to_owned()
        } else {
            of.join(", ")
        }
    };
    let sign_in = match (&site.google, &site.demo) {
        (Some(google), _) => facts(vec![
            ("Way in", text("Google")),
            ("Provider", text(google.issuer.clone())),
            ("Client", text(google.client.clone())),
            ("Client’s secret", text("set, and never shown")),
            ("Comes back to", text(google.redirect.clone())),
            ("Domains", text(list(&google.domains, "none"))),
            (
                "Admin addresses",
                text(list(&google.admins, "none: the first start prints a link")),
            ),
        ]),
        (None, Some(_)) => facts(vec![(
            "Way in",
            text("the demo: anybody on this machine can be anybody"),
        )]),
        (None, None) => facts(vec![("Way in", text("none is set up"))]),
    };
    view! {
        <div class="head"><h1>"Settings in force"</h1></div>
        <p class="sub">"As this process was started with. They are changed where it is started, not here."</p>
        <section class="card"><header><h2>"Sign-in"</h2></header>{sign_in}</section>
        {directory(&desk.directory)}
        {post(&desk.post)}
        <section class="card"><header><h2>"Sessions"</h2></header>{facts(vec![
            ("Without use", text("end after 24 hours")),
            ("In any case", text("end after 7 days")),
            ("Rights change", text("the session gets another token at its next request")),
            ("Suspended", text("sessions and streams end at once")),
        ])}</section>
        <section class="card"><header><h2>"Audit trail"</h2></header>{facts(vec![
            ("Signed with", key.map_or_else(|| text("nothing yet"), |key| view! { <code class="any">{key}</code> }.into_any())),
        ])}<p class="muted">"Note this public key where the database’s owner cannot change it: "<code>"slipway audit verify FILE --key …"</code></p></section>
    }
    .into_any()
}

/// How asking for groups goes.
fn directory(of: &slipway_services::directory::State) -> View {
    let Some(keep) = of.keep else {
        return view! { <section class="card"><header><h2>"Google groups"</h2></header><p class="muted">"No worker asks for groups: memberships are given by hand."</p></section> }.into_any();
    };
    let hours = keep.whole_hours();
    let asks = if of.present {
        "a worker asks for everybody’s every 15 minutes, and at sign-in"
    } else {
        "no worker asks at the moment"
    };
    let mut rows = vec![
        ("Groups", text(asks)),
        (
            "Without an answer",
            text(format!(
                "what was known counts for {hours} hours after it was confirmed, and then no longer; memberships by hand stay"
            )),
        ),
        (
            "Last good answer",
            of.success_at.map_or_else(|| text("none yet"), ago),
        ),
    ];
    if let Some((at, why)) = &of.trouble {
        rows.push((
            "Last trouble",
            view! { {why.clone()}", "{ago(*at)} }.into_any(),
        ));
    }
    view! { <section class="card"><header><h2>"Google groups"</h2></header>{facts(rows)}</section> }
        .into_any()
}

/// How sending messages goes.
fn post(of: &slipway_services::notice::Post) -> View {
    let means = of.means.clone().unwrap_or_default();
    if !means.mail && !means.chat {
        return view! { <section class="card"><header><h2>"Mail and chat"</h2></header><p class="muted">"Neither is set up: nobody is told anything, and nothing is queued."</p></section> }.into_any();
    }
    let failed: Vec<View> = of
        .failed
        .iter()
        .map(|notice| {
            let to = notice.to.clone().unwrap_or_else(|| "the chat".into());
            let why = notice.error.clone().unwrap_or_default();
            view! { <li>{format!("To {to}, about ")}{link(format!("/runs/{}", notice.run), format!("run {}", notice.run))}{format!(", after {} tries: {why}, ", notice.tries)}{ago(notice.at)}</li> }
                .into_any()
        })
        .collect();
    view! {
        <section class="card"><header><h2>"Mail and chat"</h2></header>
            {facts(vec![("Goes by", text(means.words)), ("Waiting", text(of.queued.to_string()))])}
            {(!failed.is_empty()).then(|| view! { <p>"Given up:"</p><ul class="any">{failed}</ul> })}
        </section>
    }
    .into_any()
}
