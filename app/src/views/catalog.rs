//! The catalog: what can be requested, and what is broken and why.

use leptos::prelude::*;
use slipway_catalog::{Broken, Chart, EngineName, Need, Release, Template, Who};
use slipway_domain::{
    environment::Class,
    field::{Field, Kind},
    time_text,
};
use slipway_services::{cluster::Cluster, template::Listed};
use time::Duration;

use crate::{
    components::{
        Icon, Tone, View, ago, banner, card, code, crumbs, digest, empty, facts, icon, link, pill,
        soft, text, times::now,
    },
    site::{Aws, Site},
};

/// The gallery of templates.
#[must_use]
pub fn list(site: &Site, templates: &[Listed], requests: bool) -> View {
    let cards: Vec<View> = templates
        .iter()
        .map(|listed| template_card(site, listed, requests))
        .collect();
    let none = cards.is_empty();
    view! {
        <div class="head"><h1>"Catalog"</h1></div>
        <p class="sub">"What you can request. Each template is an ordinary Terraform module or Helm chart of the platform team; you see exactly what it would do before anything is done."</p>
        {if none {
            empty(Icon::Catalog, "The catalog is empty", "A worker publishes the catalog’s folders when it starts. Start one, or put a template into its folder.", vec![])
        } else {
            view! { <div class="grid wide">{cards}</div> }.into_any()
        }}
    }
    .into_any()
}

fn template_card(site: &Site, listed: &Listed, requests: bool) -> View {
    let url = format!("/catalog/{}", listed.name);
    let request = format!("{url}/request");
    let title = listed
        .template
        .as_ref()
        .map_or_else(|| listed.name.clone(), |t| t.title.clone());
    let name = title.clone();
    let usable = listed.digest.is_some();
    let lacks = listed.template.as_ref().is_some_and(|t| {
        t.release.is_none() && t.needs.iter().any(|need| site.lacks(*need).is_some())
    });
    let ask = if lacks {
        "btn small"
    } else {
        "btn small primary"
    };
    view! {
        <section class="card template">
            <header><h2><a href=url.clone()>{title}</a></h2>{listed.template.as_ref().map(|t| class_pill(t.class))}</header>
            {listed.template.as_ref().map(|t| view! { <p>{t.summary.clone()}</p> })}
            <div class="marks">{listed.template.as_ref().map(|t| needs(site, t))}{listed.broken.as_ref().map(|_| pill(Tone::Stop, Icon::Warn, "Broken"))}</div>
            {listed.broken.as_ref().map(broken_line)}
            <div class="foot">
                <span class="muted">{match listed.environments { 0 => "none exists".to_owned(), 1 => "one exists".to_owned(), n => format!("{n} exist") }}</span>
                <a class="btn small" href=url.clone()>"About"<span class="vh">{format!(" {name}")}</span></a>
                {(usable && requests).then(|| view! { <a class=ask href=request>"Request"<span class="vh">{format!(" {name}")}</span></a> })}
            </div>
        </section>
    }
    .into_any()
}

fn broken_line(broken: &Broken) -> View {
    view! {
        <div class="diag is-stop">{icon(Icon::Warn)}<div><b>{broken.reason.clone()}</b><small><code class="any">{format!("{}:{}", broken.file, broken.line)}</code></small>
        {(!broken.hint.is_empty()).then(|| view! { <p>{broken.hint.clone()}</p> })}</div></div>
    }
    .into_any()
}

/// The class of environments, as a pill.
#[must_use]
pub fn class_pill(class: Class) -> View {
    match class {
        Class::Preview => pill(Tone::Plain, Icon::Environment, "preview"),
        Class::Shared => pill(Tone::Sea, Icon::Environment, "shared"),
        Class::Production => pill(Tone::Swap, Icon::Environment, "production"),
    }
}

fn needs(site: &Site, template: &Template) -> View {
    if template.needs.is_empty() {
        return pill(Tone::Go, Icon::Check, "needs no cloud");
    }
    template
        .needs
        .iter()
        .map(|need| match (need, &site.aws) {
            (Need::Aws, Aws::Imitation(_)) => pill(Tone::Wait, Icon::Cloud, "AWS, imitated here"),
            (Need::Aws, Aws::Missing(_)) => {
                pill(Tone::Stop, Icon::Cloud, "needs AWS, which is missing here")
            }
            (Need::Aws, _) => pill(Tone::Sea, Icon::Cloud, "AWS"),
            (Need::Kubernetes, _) => {
                let cluster = template
                    .release
                    .as_ref()
                    .map(|to| format!("cluster {}", to.cluster));
                pill(
                    Tone::Sea,
                    Icon::Cloud,
                    cluster.unwrap_or_else(|| "Kubernetes".into()),
                )
            }
        })
        .collect::<Vec<View>>()
        .into_any()
}

/// What everybody should know of the cloud before they ask, in full sentences.
#[must_use]
pub fn cloud_notes(site: &Site, template: &Template, cluster: Option<&Cluster>) -> Vec<View> {
    if template.needs.is_empty() {
        return vec![banner(
            Tone::Go,
            Icon::Check,
            "It needs no cloud.",
            "It does real work with the engine alone, and nothing is paid.",
            None,
        )];
    }
    template
        .needs
        .iter()
        .filter_map(|need| match (need, &site.aws) {
            (Need::Kubernetes, _) => {
                template.release.as_ref().map(|to| cluster_note(to, cluster))
            }
            (Need::Aws, Aws::Imitation(at)) => Some(banner(
                Tone::Wait,
                Icon::Cloud,
                "This AWS is an imitation.",
                format!("The real provider talks to {at} on this machine: what it makes exists only there, and nothing is paid."),
                None,
            )),
            (Need::Aws, Aws::Missing(what)) => Some(banner(
                Tone::Stop,
                Icon::Cloud,
                "AWS is missing here.",
                format!("It needs AWS, and {what} is missing. A request would stop at its plan."),
                None,
            )),
            _ => None,
        })
        .collect()
}

/// Which cluster a chart needs, and whether it answers, as the workers found it last.
fn cluster_note(to: &Release, cluster: Option<&Cluster>) -> View {
    let name = &to.cluster;
    if let Some((since, why)) = cluster.and_then(|c| c.failing.as_ref()) {
        let (since, why) = (*since, format!("{} {}", why.message, why.detail));
        return banner(
            Tone::Stop,
            Icon::Cloud,
            format!("The cluster “{name}” does not answer."),
            view! { "Since "{ago(since)}". "{why}" A request stops at its preview until it is back; nothing is lost." },
            None,
        );
    }
    if let Some(cluster) = cluster.filter(|c| c.is_well(now())) {
        return banner(
            Tone::Plain,
            Icon::Cloud,
            format!("It goes to the cluster “{name}”."),
            format!(
                "Kubernetes {}, which answers.",
                cluster.version.clone().unwrap_or_default()
            ),
            None,
        );
    }
    banner(
        Tone::Sea,
        Icon::Cloud,
        format!("It needs the cluster “{name}”, which is not connected."),
        view! {
            "A request stops at its preview and says so; nothing is lost. A cluster is connected by its kubeconfig, as "
            <code>{format!("{name}.kubeconfig")}</code>" in the folder that "<code>"SLIPWAY_CLUSTERS"</code>" names for the workers."
        },
        None,
    )
}

/// A length of life in words.
#[must_use]
pub fn life(seconds: Option<u64>) -> String {
    seconds.map_or_else(
        || "without end".into(),
        |s| time_text::long(Duration::seconds(i64::try_from(s).unwrap_or(i64::MAX))),
    )
}

/// Who decides about requests of a class.
#[must_use]
pub const fn who_decides(class: Class) -> &'static str {
    match class {
        Class::Preview => "nobody, within the team’s quota",
        Class::Shared => "a lead of the team",
        Class::Production => "a lead and an operator",
    }
}

/// One template.
#[must_use]
pub fn one(site: &Site, listed: &Listed, requests: bool, cluster: Option<&Cluster>) -> View {
    let request = format!("/catalog/{}/request", listed.name);
    let title = listed
        .template
        .as_ref()
        .map_or_else(|| listed.name.clone(), |t| t.title.clone());
    let usable = listed.digest.is_some();
    let broken = listed.broken.as_ref().map(|broken| {
        let lead = if usable {
            "Its newest files are broken, so the last whole version is offered. Environments that exist are not affected."
        } else {
            "It cannot be requested until it is whole. Other templates are not affected."
        };
        view! {
            <section class="card fault">
                <h2>{icon(Icon::Warn)}"This template is broken"</h2>
                <dl>
                    <dt>"Where"</dt><dd>{code(format!("{}/{}:{}", listed.name, broken.file, broken.line))}</dd>
                    <dt>"Why"</dt><dd class="pre">{broken.reason.clone()}</dd>
                    {(!broken.hint.is_empty()).then(|| view! { <dt>"What to do"</dt><dd class="pre">{broken.hint.clone()}</dd> })}
                    <dt>"What it means"</dt><dd>{lead}</dd>
                </dl>
            </section>
        }
    });
    view! {
        {crumbs(vec![("Catalog".into(), "/catalog".into())], title.clone())}
        <div class="head"><h1>{title}</h1>{listed.template.as_ref().map(|t| class_pill(t.class))}
            {(usable && requests).then(|| view! { <div class="acts"><a class="btn primary" href=request>"Request one"</a></div> })}
        </div>
        {listed.template.as_ref().map(|t| view! { <p class="sub">{t.summary.clone()}</p> })}
        <div class="stack gapped">{broken}{listed.template.as_ref().map(|t| cloud_notes(site, t, cluster))}</div>
        {listed.template.as_ref().map(|template| view! {
            <div class="cols gap"><div class="stack">
                {card("What it asks for", asks(template.fields.len()), None, inputs(&template.fields))}
                {template.release.is_none().then(|| card("What you get", format!("{} outputs", template.outputs.len()), None, outputs(template)))}
            </div><aside class="stack" aria-label="About this template">
                {card("About", "", None, about(listed, template))}
                {match &template.release {
                    Some(to) => card("Where it goes", "", None, goes(to)),
                    None => card("Resources", "", None, kinds(template)),
                }}
            </aside></div>
        })}
    }
    .into_any()
}

fn asks(n: usize) -> String {
    match n {
        0 => "nothing".into(),
        1 => "1 input".into(),
        n => format!("{n} inputs"),
    }
}

fn inputs(fields: &[Field]) -> View {
    if fields.is_empty() {
        return view! { <p class="none muted">"Nothing: it can be requested as it is."</p> }
            .into_any();
    }
    let lines: Vec<View> = fields
        .iter()
        .map(|field| {
            let beside = match (&field.default, field.sensitive) {
                (None, _) => view! { <span>"needed"</span> }.into_any(),
                (Some(_), true) => view! { <span>"optional"</span> }.into_any(),
                (Some(_), false) if field.rules.is_some() && matches!(field.kind, Kind::Object(_)) => view! { <span>"optional"</span> }.into_any(),
                (Some(value), false) if value.is_null() => view! { <span>"optional"</span> }.into_any(),
                (Some(value), false) => view! { <code class="clip default" title=value.to_string()>{value.to_string()}</code> }.into_any(),
            };
            view! {
                <div>
                    <dt><code>{field.name.clone()}</code></dt>
                    <dd>{field.caption().map(str::to_owned)}<small class="muted">{field.kind.words()}{field.sensitive.then_some(", sensitive")}</small></dd>
                    <dd class="beside">{beside}</dd>
                </div>
            }
            .into_any()
        })
        .collect();
    view! { <dl class="kv">{lines}</dl> }.into_any()
}

fn outputs(template: &Template) -> View {
    if template.outputs.is_empty() {
        return view! { <p class="none muted">"No outputs."</p> }.into_any();
    }
    let lines: Vec<View> = template
        .outputs
        .iter()
        .map(|output| {
            view! {
                <div><dt><code>{output.name.clone()}</code></dt><dd>{output.description.clone()}</dd><dd class="beside">{output.sensitive.then_some("never shown")}</dd></div>
            }
            .into_any()
        })
        .collect();
    view! { <dl class="kv">{lines}</dl> }.into_any()
}

fn about(listed: &Listed, template: &Template) -> View {
    let engine = match template.engine.name {
        EngineName::Terraform => "Terraform",
        EngineName::Opentofu => "OpenTofu",
        EngineName::Helm => "Helm",
    };
    let who = match template.who {
        Who::Member => "members of a team",
        Who::Lead => "leads of a team",
    };
    let mut pairs = vec![
        (
            "Version",
            listed
                .digest
                .as_deref()
                .map_or_else(|| text("none"), digest),
        ),
        ("Owner", text(template.owner.clone())),
        (
            "Engine",
            text(format!("{engine} {}", template.engine.version)),
        ),
    ];
    pairs.extend(
        template
            .chart
            .as_ref()
            .map(|chart| ("Chart", text(chart_words(chart)))),
    );
    pairs.extend([
        ("Lives for", text(life(template.life.default))),
        ("At most", text(life(template.life.greatest))),
        ("Who may ask", text(who)),
        ("Who decides", text(who_decides(template.class))),
        (
            "Existing",
            if listed.environments == 0 {
                text("none")
            } else {
                link("/environments", listed.environments.to_string())
            },
        ),
    ]);
    facts(pairs)
}

fn chart_words(chart: &Chart) -> String {
    match &chart.app_version {
        Some(app) => format!("{} {} with {app}", chart.name, chart.version),
        None => format!("{} {}", chart.name, chart.version),
    }
}

/// The pattern of a namespace's name, as people read it.
#[must_use]
pub fn namespace(to: &Release) -> View {
    let words = to
        .namespace
        .replace("{team}", "‹team›")
        .replace("{environment}", "‹name›");
    code(words)
}

fn goes(to: &Release) -> View {
    let mut pairs = vec![
        ("Cluster", code(to.cluster.clone())),
        ("Namespace", namespace(to)),
    ];
    if !to.namespace_labels.is_empty() {
        let labels: Vec<View> = to
            .namespace_labels
            .iter()
            .map(|(key, value)| view! { <div>{soft(key)}" "{value.clone()}</div> }.into_any())
            .collect();
        pairs.push(("Its labels", labels.into_any()));
    }
    facts(pairs)
}

fn kinds(template: &Template) -> View {
    if template.resources.is_empty() {
        return view! { <p class="none muted">"It declares none."</p> }.into_any();
    }
    let items: Vec<View> = template
        .resources
        .iter()
        .map(|kind| view! { <li>{soft(kind)}</li> }.into_any())
        .collect();
    view! { <ul class="plain">{items}</ul> }.into_any()
}
