//! The guarded route table: every page and every post of the front rooms, each with its rule.
//!
//! The rule is declared here and enforced in the office, because a check in a layer is no check. The router is built from
//! this table alone, so a route without a rule does not exist, and a test can walk it as nobody and as a stranger.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware,
    routing::{MethodRouter, get, post},
};
use slipway_domain::rights::Right;

use crate::{
    api::{self, posted::SMALL_FORM},
    pages::{self, App, account, accounts, people, tokens},
};

/// The largest form, in bytes: larger than any that the office accepts, so that it can say what was too much, and keep
/// the rest.
pub const LARGEST_FORM: usize = 24 * 1024 * 1024;

/// Who may ask for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anybody.
    Public,
    /// Whoever is signed in; what they see is theirs.
    SignedIn,
    /// Whoever has this right, in the team that the thing belongs to.
    Needs(Right),
}

/// One route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{names}`.
    pub path: &'static str,
    /// Who may ask.
    pub rule: Rule,
    handler: MethodRouter<App>,
}

fn page<H, T>(path: &'static str, rule: Rule, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route {
        method: Method::GET,
        path,
        rule,
        handler: get(handler),
    }
}

fn form<H, T>(path: &'static str, rule: Rule, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route {
        method: Method::POST,
        path,
        rule,
        handler: post(handler).layer(DefaultBodyLimit::max(SMALL_FORM)),
    }
}

/// A post that may be as large as a request's own form.
fn large_form<H, T>(path: &'static str, rule: Rule, handler: H) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route {
        method: Method::POST,
        path,
        rule,
        handler: post(handler).layer(DefaultBodyLimit::max(LARGEST_FORM)),
    }
}

/// Every route of the front rooms.
#[must_use]
pub fn table() -> Vec<Route> {
    use Rule::{Needs, Public, SignedIn};
    vec![
        page("/sign-in", Public, pages::sign_in::show),
        page("/", SignedIn, pages::home::show),
        page("/approvals", SignedIn, pages::approvals::show),
        page("/history", SignedIn, pages::history::show),
        page("/audit", Needs(Right::SeeAudit), pages::audit::show),
        page("/catalog", Needs(Right::SeeCatalog), pages::catalog::list),
        page(
            "/catalog/{name}",
            Needs(Right::SeeCatalog),
            pages::catalog::one,
        ),
        page(
            "/catalog/{name}/request",
            Needs(Right::RequestEnvironment),
            pages::request::create,
        ),
        page("/drafts/{id}", SignedIn, pages::request::again),
        large_form("/drafts/{id}", SignedIn, api::draft::post),
        page("/environments", SignedIn, pages::environment::list),
        page(
            "/environments/{id}",
            Needs(Right::SeeEnvironment),
            pages::environment::one,
        ),
        page(
            "/environments/{id}/change",
            Needs(Right::ChangeEnvironment),
            pages::request::change,
        ),
        page(
            "/environments/{id}/extend",
            Needs(Right::SeeEnvironment),
            pages::environment::extend,
        ),
        form(
            "/environments/{id}/extend",
            Needs(Right::ExtendEnvironment),
            api::environment::extend,
        ),
        page(
            "/environments/{id}/back",
            Needs(Right::ChangeEnvironment),
            pages::environment::back,
        ),
        form(
            "/environments/{id}/back",
            Needs(Right::ChangeEnvironment),
            api::environment::back,
        ),
        page(
            "/environments/{id}/destroy",
            Needs(Right::SeeEnvironment),
            pages::environment::destroy,
        ),
        form(
            "/environments/{id}/destroy",
            Needs(Right::DestroyEnvironment),
            api::environment::destroy,
        ),
        page("/runs/{id}", Needs(Right::SeeEnvironment), pages::run::show),
        page(
            "/runs/{id}/form",
            Needs(Right::ChangeEnvironment),
            pages::request::of_run,
        ),
        page(
            "/runs/{id}/log",
            Needs(Right::SeeEnvironment),
            pages::run::show,
        ),
        page(
            "/runs/{id}/log.txt",
            Needs(Right::SeeEnvironment),
            pages::run::download,
        ),
        // A vote needs a role that the policy asks for; which one is the office's business.
        form(
            "/runs/{id}/approve",
            Needs(Right::SeeEnvironment),
            api::run::approve,
        ),
        form(
            "/runs/{id}/reject",
            Needs(Right::SeeEnvironment),
            api::run::reject,
        ),
        form(
            "/runs/{id}/cancel",
            Needs(Right::SteerRun),
            api::run::cancel,
        ),
        form(
            "/runs/{id}/replan",
            Needs(Right::SteerRun),
            api::run::replan,
        ),
        form(
            "/runs/{id}/reconcile",
            Needs(Right::SettleUnknown),
            api::run::reconcile,
        ),
        page(
            "/runs/{id}/evidence",
            Needs(Right::SeeAudit),
            pages::audit::evidence,
        ),
        page(
            "/audit/export",
            Needs(Right::SeeAudit),
            pages::audit::export,
        ),
        // Who is here, and what they may do.
        page("/access", SignedIn, account::access),
        page("/sessions", SignedIn, account::sessions),
        form("/sessions/end-others", SignedIn, account::end_others),
        form("/sessions/mail", SignedIn, account::mail),
        form("/sessions/{id}/end", SignedIn, account::end),
        page("/tokens", SignedIn, tokens::list),
        form("/tokens", SignedIn, tokens::create),
        form("/tokens/{id}/revoke", SignedIn, tokens::revoke),
        page("/setup/{token}", SignedIn, account::look_at_setup),
        form("/setup/{token}", SignedIn, account::set_up),
        page("/people", Needs(Right::SeePeople), people::list),
        page("/people/{id}", Needs(Right::SeePeople), people::one),
        page(
            "/people/{id}/sign-ins",
            Needs(Right::SeePeople),
            people::sign_ins,
        ),
        page(
            "/people/{id}/tokens",
            Needs(Right::ManagePeople),
            people::tokens,
        ),
        form(
            "/people/{id}/give",
            Needs(Right::ManagePeople),
            people::give,
        ),
        form(
            "/people/{id}/take",
            Needs(Right::ManagePeople),
            people::take,
        ),
        form(
            "/people/{id}/suspend",
            Needs(Right::ManagePeople),
            people::suspend,
        ),
        form(
            "/people/{id}/resume",
            Needs(Right::ManagePeople),
            people::resume,
        ),
        form(
            "/people/{id}/end-sessions",
            Needs(Right::ManagePeople),
            people::end_sessions,
        ),
        // Where environments are made.
        page("/accounts", Needs(Right::SeeAccounts), accounts::list),
        form("/accounts", Needs(Right::ManageAccounts), accounts::add),
        form(
            "/accounts/{id}/ask",
            Needs(Right::SeeAccounts),
            accounts::ask,
        ),
        form(
            "/accounts/{id}/remove",
            Needs(Right::ManageAccounts),
            accounts::remove,
        ),
        page("/settings", Needs(Right::SeePeople), people::settings),
        page("/teams", SignedIn, people::teams),
        form("/teams", Needs(Right::ManagePeople), people::add_team),
        page("/teams/{id}", Needs(Right::SeeEnvironment), people::team),
        form(
            "/teams/{id}/members",
            Needs(Right::ManageTeam),
            people::put_member,
        ),
        form(
            "/teams/{id}/remove",
            Needs(Right::ManageTeam),
            people::remove_member,
        ),
        form(
            "/teams/{id}/groups",
            Needs(Right::ManagePeople),
            people::add_group,
        ),
        form(
            "/teams/{id}/groups/remove",
            Needs(Right::ManagePeople),
            people::remove_group,
        ),
    ]
}

/// The front rooms. The front door has put a `Ctx` into each request's extensions.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in table() {
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(pages::nothing)
        .layer(middleware::from_fn_with_state(app.clone(), pages::dress))
        .with_state(app)
}
