//! FRONT ROOMS: what people see.
//!
//! Pages are plain server-rendered views (feature `ssr`): an axum handler asks the office, fills a page's own props and
//! renders them synchronously to a string. Forms post URL-encoded and work without JavaScript. The browser side
//! (feature `hydrate`) holds leaf islands only, for what moves. Forbidden: SQL, the clock, a decision about rights (the
//! office decides), inline scripts and inline styles.

#![recursion_limit = "256"]

pub mod islands;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "render")]
pub mod assets;
#[cfg(feature = "render")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "render")]
pub mod render;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "render")]
pub mod site;
#[cfg(feature = "render")]
pub mod views;

#[cfg(feature = "ssr")]
pub use pages::App;
#[cfg(feature = "ssr")]
pub use routes::router;
