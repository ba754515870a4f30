//! Every page as a document.

use super::*;

fn frame(title: &str, here: Here, actor: &Actor) -> Frame {
    Frame {
        title: title.into(),
        here,
        who: Some(Who {
            name: actor.name.clone(),
            roles: "lead".into(),
            audits: actor.org.contains(&OrgRole::Auditor),
            accounts: actor.org.contains(&OrgRole::Auditor),
        }),
        waiting: 3,
        demo: Some(DemoSite { port: 7070 }.frame()),
        live: true,
        skip: None,
    }
}

/// A page before it is rendered: its name, its frame, what makes its content.
type Entry = (&'static str, Frame, Box<dyn FnOnce() -> View>);

/// Every page as a document, by name.
pub fn documents(hostile: bool) -> Vec<(&'static str, String)> {
    let w = World { hostile };
    let site = site();
    let mut list: Vec<Entry> = Vec::new();
    let lead = lead();

    let home = views::home::Home {
        inbox: w.inbox(),
        environments: w.environments(),
        more: true,
        recent: w.deployments(),
        requests: true,
    };
    list.push((
        "home",
        frame("Home", Here::Home, &lead),
        Box::new(move || views::home::view(home)),
    ));
    list.push((
        "home-empty",
        frame("Home", Here::Home, &lead),
        Box::new(|| {
            views::home::view(views::home::Home {
                requests: true,
                ..Default::default()
            })
        }),
    ));

    let (s, catalog) = (site.clone(), w.catalog());
    list.push((
        "catalog",
        frame("Catalog", Here::Catalog, &lead),
        Box::new(move || views::catalog::list(&s, &catalog, true)),
    ));
    let s = site.clone();
    list.push((
        "catalog-empty",
        frame("Catalog", Here::Catalog, &lead),
        Box::new(move || views::catalog::list(&s, &[], true)),
    ));
    for (name, n) in [
        ("template", 1),
        ("template-aws", 3),
        ("template-broken", 4),
        ("template-broken-newest", 5),
    ] {
        let (s, listed) = (site.clone(), w.catalog().remove(n));
        list.push((
            name,
            frame("Template", Here::Catalog, &lead),
            Box::new(move || views::catalog::one(&s, &listed, true, None)),
        ));
    }
    for (name, template, wrong) in [
        ("request", "hello", false),
        ("request-every", "every-input", false),
        ("request-wrong", "every-input", true),
    ] {
        let (s, draft) = (site.clone(), w.draft(template, wrong));
        list.push((
            name,
            frame("Request", Here::Catalog, &lead),
            Box::new(move || views::request::view(&s, &draft, false, None)),
        ));
    }
    let (s, mut change) = (site.clone(), w.draft("every-input", false));
    change.environment = Some((EnvironmentId::new(7), w.t("checkout-staging")));
    change.newer = Some("sha256:77aa01bc99".into());
    list.push((
        "change",
        frame("Change", Here::Environments, &lead),
        Box::new(move || views::request::view(&s, &change, true, None)),
    ));

    let page = environment::Page {
        environments: w.environments(),
        older: Some(4),
    };
    list.push((
        "environments",
        frame("Environments", Here::Environments, &lead),
        Box::new(move || views::environments::view(page, &environment::Filter::default(), true)),
    ));
    for (name, filter) in [
        ("environments-empty", environment::Filter::default()),
        (
            "environments-none",
            environment::Filter {
                name: Some(w.t("x")),
                ..Default::default()
            },
        ),
    ] {
        let page = environment::Page {
            environments: vec![],
            older: None,
        };
        list.push((
            name,
            frame("Environments", Here::Environments, &lead),
            Box::new(move || views::environments::view(page, &filter, true)),
        ));
    }
    for (name, state) in [
        ("environment", EnvironmentState::Ready),
        ("environment-incomplete", EnvironmentState::Incomplete),
        ("environment-gone", EnvironmentState::Destroyed),
    ] {
        let (of, actor) = (w.environment(state), lead.clone());
        list.push((
            name,
            frame("checkout-staging", Here::Environments, &lead),
            Box::new(move || views::environment::view(&of, &actor, None)),
        ));
    }
    let of = w.environment(EnvironmentState::Ready);
    list.push((
        "extend",
        frame("Extend", Here::Environments, &lead),
        Box::new(move || views::environment::extend(&of)),
    ));
    let (of, typed) = (
        w.environment(EnvironmentState::Ready),
        views::environment::Destroy {
            name: w.t("x"),
            reason: w.t("y"),
            error: Some(w.t("Type the name exactly.")),
        },
    );
    list.push((
        "destroy",
        frame("Destroy", Here::Environments, &lead),
        Box::new(move || views::environment::destroy(&of, &typed)),
    ));

    for (name, state, lines) in [
        ("run-queued", State::Queued, 0),
        ("run-waiting", State::AwaitingApproval, 12),
        ("run-applying", State::Applying, 60),
        ("run-failed", State::Failed, 40),
        ("run-done", State::Succeeded, 20),
        ("run-unknown", State::Unknown, 20),
        ("run-rejected", State::Rejected, 10),
    ] {
        let (run, log, actor) = (w.run(state), w.log(lines), lead.clone());
        let mut frame = frame("Run", Here::Environments, &lead);
        frame.skip = Some(("decide", "Skip to the decision"));
        if state != State::AwaitingApproval {
            frame.skip = None;
        }
        list.push((
            name,
            frame,
            Box::new(move || {
                views::run::view(views::run::RunPage {
                    run: &run,
                    actor: &actor,
                    log,
                    find: "",
                })
            }),
        ));
    }
    let (run, log, actor) = (w.run(State::AwaitingApproval), w.log(3), developer());
    list.push((
        "run-own",
        frame("Run", Here::Environments, &developer()),
        Box::new(move || {
            views::run::view(views::run::RunPage {
                run: &run,
                actor: &actor,
                log,
                find: "aws_db",
            })
        }),
    ));

    let inbox = w.inbox();
    list.push((
        "approvals",
        frame("Approvals", Here::Approvals, &lead),
        Box::new(move || views::approvals::view(&inbox)),
    ));
    list.push((
        "approvals-empty",
        frame("Approvals", Here::Approvals, &lead),
        Box::new(|| views::approvals::view(&approval::Inbox::default())),
    ));

    let page = deployment::Page {
        deployments: w.deployments(),
        older: Some(1),
    };
    list.push((
        "history",
        frame("History", Here::History, &lead),
        Box::new(move || views::history::view(page, &deployment::Filter::default())),
    ));
    let filter = deployment::Filter {
        environment: Some(w.t("x")),
        outcome: Some(State::Failed),
        before: Some(3),
        ..Default::default()
    };
    list.push((
        "history-none",
        frame("History", Here::History, &lead),
        Box::new(move || {
            views::history::view(
                deployment::Page {
                    deployments: vec![],
                    older: None,
                },
                &filter,
            )
        }),
    ));

    let wrong = views::accounts::Typed {
        new: account::New {
            name: w.t("staging"),
            ..Default::default()
        },
        wrong: [
            ("name", "There is an account of this name."),
            ("serves", "Choose at least one."),
        ]
        .map(|(name, why)| (name.to_owned(), w.t(why)))
        .into(),
    };
    for (name, all, typed) in [
        ("accounts", w.accounts(), views::accounts::Typed::default()),
        ("accounts-empty", vec![], wrong),
    ] {
        list.push((
            name,
            frame("AWS accounts", Here::Accounts, &auditor()),
            Box::new(move || views::accounts::accounts(&all, true, &typed)),
        ));
    }

    let page = audit::Page {
        records: w.records(),
        older: Some(300),
    };
    list.push((
        "audit",
        frame("Audit", Here::Audit, &auditor()),
        Box::new(move || views::audit::view(page, &audit::Filter::default())),
    ));
    let filter = audit::Filter {
        actor: Some(w.t("x")),
        ..Default::default()
    };
    list.push((
        "audit-none",
        frame("Audit", Here::Audit, &auditor()),
        Box::new(move || {
            views::audit::view(
                audit::Page {
                    records: vec![],
                    older: None,
                },
                &filter,
            )
        }),
    ));

    let door = Frame {
        title: "Sign in".into(),
        demo: Some(DemoSite { port: 7070 }.frame()),
        ..Frame::default()
    };
    let (s, next) = (site.clone(), w.t("/runs/42"));
    list.push((
        "sign-in",
        door.clone(),
        Box::new(move || {
            views::sign_in::view(
                &s,
                &views::sign_in::SignIn {
                    next,
                    ..Default::default()
                },
            )
        }),
    ));
    let s = site.clone();
    let trouble = Some(("That did not work.", "The session could not be made."));
    list.push((
        "sign-in-persona",
        door,
        Box::new(move || {
            views::sign_in::view(
                &s,
                &views::sign_in::SignIn {
                    persona: Some("lead"),
                    next: "/".into(),
                    trouble,
                },
            )
        }),
    ));
    list.push((
        "sign-in-none",
        Frame {
            title: "Sign in".into(),
            ..Frame::default()
        },
        Box::new(|| views::sign_in::view(&Site::default(), &Default::default())),
    ));

    list.push((
        "not-found",
        frame("Not found", Here::Elsewhere, &lead),
        Box::new(views::trouble::not_found),
    ));
    let refusal = slipway_services::Refusal {
        message: w.t("Your vote was not counted."),
        detail: w.t("The plan that you saw was replaced by another one."),
        hint: w.t("Look at the new plan and decide again."),
        ..slipway_services::Refusal::default()
    };
    let back = w.t("/runs/42");
    list.push((
        "refused",
        frame("Refused", Here::Elsewhere, &lead),
        Box::new(move || views::trouble::refused(&refusal, &back)),
    ));
    let (id, here) = (w.t("01JD"), w.t("/runs/42"));
    list.push((
        "broken",
        frame("Error", Here::Elsewhere, &lead),
        Box::new(move || views::trouble::broken(true, &id, &here)),
    ));
    list.push((
        "blank",
        frame("Blank", Here::Elsewhere, &lead),
        Box::new(|| ().into_any()),
    ));

    let assets = gallery_assets();
    list.into_iter()
        .map(|(name, frame, body)| {
            let html = render::document(&assets, &frame, now(), false, body);
            (name, html.replace("https://gallery.invalid/", "main.css"))
        })
        .collect()
}
