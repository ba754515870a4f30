//! The question before an earlier deployment is put back.

use leptos::prelude::*;
use slipway_domain::id::DeploymentId;
use slipway_services::environment::{Back, View as Environment};

use crate::components::{View, ago, crumbs, digest};

/// The page: what of the inputs differs.
#[must_use]
pub fn view(of: &Environment, past: &Back, to: DeploymentId) -> View {
    let url = format!("/environments/{}", of.id);
    let was = past.inputs.as_object().cloned().unwrap_or_default();
    let mut names: Vec<&String> = was.keys().chain(of.inputs.keys()).collect();
    names.sort();
    names.dedup();
    let words = |value: Option<&serde_json::Value>| match value {
        None => "not set".to_owned(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let lines: Vec<View> = names
        .into_iter()
        .filter(|name| was.get(*name) != of.inputs.get(*name))
        .map(|name| {
            let (now, then) = (words(of.inputs.get(name)), words(was.get(name)));
            view! { <div><dt><code>{name.clone()}</code></dt><dd><code class="any">{now}</code>" → "<code class="any">{then}</code></dd></div> }.into_any()
        })
        .collect();
    let same = lines.is_empty();
    let moved = past.template_digest != of.version.digest;
    let newer = moved.then(|| view! { <p class="sub">"The template goes from "{digest(&of.version.digest)}" to "{digest(&past.template_digest)}"."</p> });
    let sealed = (!of.sensitive.is_empty()).then(|| view! { <p class="sub">"Sensitive inputs keep the values in force: older ones are gone for good."</p> });
    let keep = url.clone();
    view! {
        {crumbs(vec![("Environments".into(), "/environments".into()), (of.name.clone(), url.clone())], "Put back")}
        <div class="head"><h1>{format!("Put {} back to run {}", of.name, past.run)}</h1></div>
        <p class="sub">"As it was deployed "{ago(past.finished_at)}". You see first what that changes, and it is decided like any other change: "{super::catalog::who_decides(of.class)}"."</p>
        {newer}{sealed}
        <div class="stack gapped"><section class="card narrow"><header><h2>"What is asked for then"</h2></header>
            {if same {
                view! { <p class="none muted">"The inputs are the same."</p> }.into_any()
            } else {
                view! { <dl class="kv two">{lines}</dl> }.into_any()
            }}
        </section>
        <form class="card form narrow" method="post" action=format!("{url}/back")>
            <input type="hidden" name="to" value=to.to_string()/>
            <div class="field"><label for="reason">"Reason"</label><textarea id="reason" name="reason" rows="2"></textarea></div>
            <div class="foot"><a class="btn quiet" href=keep>"Leave it as it is"</a><button class="btn primary" type="submit">{format!("See what putting {} back changes", of.name)}</button></div>
        </form></div>
    }
    .into_any()
}
