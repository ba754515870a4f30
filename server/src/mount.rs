//! The door's own routes: nothing is mounted but through here, with its rule, so that a test can walk all of it. The
//! front rooms' table (`slipway_app::routes`) does the same for pages and forms.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{any, get, post},
};
use slipway_app::routes::Rule;

use crate::door::Door;

/// One mounted route: its method, its path, and who may ask.
pub type Mounted = (Method, &'static str, Rule);

/// A router that remembers.
pub struct Mount {
    router: Router<Door>,
    routes: Vec<Mounted>,
}

impl Mount {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            routes: Vec::new(),
        }
    }

    /// Something to look at.
    pub fn get<H, T>(mut self, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, Door>,
        T: 'static,
    {
        self.routes.push((Method::GET, path, rule));
        self.router = self.router.route(path, get(handler));
        self
    }

    /// Something to send.
    pub fn post<H, T>(mut self, path: &'static str, rule: Rule, handler: H) -> Self
    where
        H: Handler<T, Door>,
        T: 'static,
    {
        self.routes.push((Method::POST, path, rule));
        self.router = self.router.route(path, post(handler));
        self
    }

    /// Answers whatever else is asked for below a path, so that it stays in its own tongue. That is nothing, so it is in
    /// no table.
    pub fn rest<H, T>(router: Router<Door>, path: &'static str, handler: H) -> Router<Door>
    where
        H: Handler<T, Door>,
        T: 'static,
    {
        router.route(path, any(handler))
    }

    /// The router, and what is in it.
    pub fn done(self) -> (Router<Door>, Vec<Mounted>) {
        (self.router, self.routes)
    }
}
