//! The icons: strokes on a grid of 24, drawn for Slipway.

use leptos::prelude::*;

use super::View;

/// An icon's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// The mark: a hull on its slipway.
    Mark,
    /// Home.
    Home,
    /// An environment.
    Environment,
    /// The inbox.
    Inbox,
    /// History.
    History,
    /// The catalog.
    Catalog,
    /// The audit trail.
    Audit,
    /// Identity.
    Key,
    /// Something that is not shown.
    Lock,
    /// Search.
    Find,
    /// Done.
    Check,
    /// Waiting.
    Clock,
    /// Failed, or no.
    Cross,
    /// Careful.
    Warn,
    /// Replaced.
    Swap,
    /// The internet.
    Globe,
    /// Data.
    Data,
    /// Going on.
    Dots,
    /// A version.
    Branch,
    /// Forward.
    Go,
    /// Copy.
    Copy,
    /// The rest of the menu.
    More,
    /// No connection.
    Off,
    /// A cloud account.
    Cloud,
    /// Unknown.
    Ghost,
    /// Not the same.
    Differ,
    /// Back.
    Back,
    /// One more.
    Plus,
    /// One less.
    Minus,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Sign out.
    Out,
    /// A document.
    Page,
    /// New to a team.
    Spark,
    /// Several people who belong together.
    Team,
    /// Somebody.
    Person,
}

impl Icon {
    const fn paths(self) -> &'static str {
        match self {
            Self::Mark => {
                r#"<path d="M3 20h18"/><path d="M3 20 20 11"/><path d="M6.2 12.6 16.4 7.2c1.1-.6 2.6-.4 3.6.3l-2.4 4.8-9.4 5z"/>"#
            }
            Self::Home => r#"<path d="M3.5 10.5 12 4l8.5 6.5V20h-6v-5.5h-5V20h-6z"/>"#,
            Self::Environment => {
                r#"<path d="M12 3 20.5 7.5v9L12 21l-8.5-4.5v-9z"/><path d="M3.5 7.5 12 12l8.5-4.5M12 12v9"/>"#
            }
            Self::Inbox => {
                r#"<path d="M4 13.5 6.5 5h11L20 13.5V19H4z"/><path d="M4 13.5h4.5l1.5 2.5h4l1.5-2.5H20"/>"#
            }
            Self::History => {
                r#"<path d="M4 12a8 8 0 1 0 2.5-5.8L4 8.5"/><path d="M4 4v4.5h4.5M12 8v4.5l3 2"/>"#
            }
            Self::Catalog => {
                r#"<rect x="4" y="4" width="6.5" height="6.5" rx="1.2"/><rect x="13.5" y="4" width="6.5" height="6.5" rx="1.2"/><rect x="4" y="13.5" width="6.5" height="6.5" rx="1.2"/><path d="M16.7 13.5v6.5M13.5 16.7H20"/>"#
            }
            Self::Audit => {
                r#"<path d="M12 3.5 19 6v5.5c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6z"/><path d="m9 11.8 2.2 2.2 4-4.2"/>"#
            }
            Self::Key => r#"<circle cx="8.5" cy="15.5" r="4"/><path d="m11.5 12.5 8-8M16 8l3 3"/>"#,
            Self::Lock => {
                r#"<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>"#
            }
            Self::Team => {
                r#"<circle cx="9" cy="8.3" r="3.3"/><path d="M3.2 19.5c.4-3.6 2.7-5.5 5.8-5.5s5.4 1.9 5.8 5.5"/><path d="M15.3 5.2a3.3 3.3 0 0 1 0 6.2M17.2 14.4c2 .7 3.3 2.4 3.6 5.1"/>"#
            }
            Self::Person => {
                r#"<circle cx="12" cy="8" r="3.8"/><path d="M4.8 20c.5-4.1 3.3-6.3 7.2-6.3s6.7 2.2 7.2 6.3"/>"#
            }
            Self::Find => r#"<circle cx="11" cy="11" r="6.5"/><path d="m20 20-4.3-4.3"/>"#,
            Self::Check => r#"<path d="m5 12.5 4.5 4.5L19 7.5"/>"#,
            Self::Clock => r#"<circle cx="12" cy="12" r="8"/><path d="M12 8v4.5l3 1.5"/>"#,
            Self::Cross => r#"<path d="M6 6l12 12M18 6 6 18"/>"#,
            Self::Warn => r#"<path d="M12 4.5 21 19.5H3z"/><path d="M12 10v4.5M12 17v.2"/>"#,
            Self::Swap => r#"<path d="M5 9h12l-3.5-3.5M19 15H7l3.5 3.5"/>"#,
            Self::Globe => {
                r#"<circle cx="12" cy="12" r="8"/><path d="M4 12h16M12 4c3 3.2 3 12.8 0 16-3-3.2-3-12.8 0-16"/>"#
            }
            Self::Data => {
                r#"<ellipse cx="12" cy="6.5" rx="7" ry="2.8"/><path d="M5 6.5v11c0 1.6 3.1 2.8 7 2.8s7-1.2 7-2.8v-11M5 12c0 1.6 3.1 2.8 7 2.8s7-1.2 7-2.8"/>"#
            }
            Self::Dots => {
                r#"<circle cx="6" cy="12" r=".8"/><circle cx="12" cy="12" r=".8"/><circle cx="18" cy="12" r=".8"/>"#
            }
            Self::Branch => {
                r#"<circle cx="7" cy="6" r="2"/><circle cx="7" cy="18" r="2"/><circle cx="17" cy="9" r="2"/><path d="M7 8v8M17 11c0 3-5 2.5-8.5 5"/>"#
            }
            Self::Go => r#"<path d="M9 6l6 6-6 6"/>"#,
            Self::Copy => {
                r#"<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M15 9V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h3"/>"#
            }
            Self::More => r#"<path d="M4 7h16M4 12h16M4 17h16"/>"#,
            Self::Off => {
                r#"<path d="M4 4l16 16M9.5 5.2A12 12 0 0 1 21 9.5M3 9.5A12 12 0 0 1 6.6 7M6.5 13a8 8 0 0 1 4-2M16 12.3l1.5.9M10 16.4a3.4 3.4 0 0 1 4 0M12 19.5v.2"/>"#
            }
            Self::Cloud => {
                r#"<path d="M7 18.5a4 4 0 0 1-.5-8A6 6 0 0 1 18 11a3.8 3.8 0 0 1-.5 7.5z"/>"#
            }
            Self::Ghost => {
                r#"<path d="M5 20V11a7 7 0 0 1 14 0v9l-2.3-2-2.3 2-2.4-2-2.4 2-2.3-2z"/><path d="M9.5 11v.2M14.5 11v.2"/>"#
            }
            Self::Differ => r#"<path d="M5 9.5h14M5 14.5h14M15 5 9 19"/>"#,
            Self::Back => r#"<path d="M4 9.5h10a5 5 0 0 1 0 10H9"/><path d="M8 5.5 4 9.5l4 4"/>"#,
            Self::Plus => r#"<path d="M12 5.5v13M5.5 12h13"/>"#,
            Self::Minus => r#"<path d="M5.5 12h13"/>"#,
            Self::Up => r#"<path d="M12 19V5.5M6 11l6-6 6 6"/>"#,
            Self::Down => r#"<path d="M12 5v13.5M6 13l6 6 6-6"/>"#,
            Self::Out => r#"<path d="M10 4.5H5.5v15H10M14 8l4 4-4 4M18 12H9.5"/>"#,
            Self::Page => {
                r#"<path d="M6.5 3.5h7l4 4v13h-11z"/><path d="M13.5 3.5v4h4M9.5 12h5M9.5 16h5"/>"#
            }
            Self::Spark => {
                r#"<path d="M12 4v4M12 16v4M4 12h4M16 12h4M6.5 6.5 9 9M15 15l2.5 2.5M17.5 6.5 15 9M9 15l-2.5 2.5"/>"#
            }
        }
    }
}

/// An icon, for the eye only: the words stand beside it.
#[must_use]
pub fn icon(icon: Icon) -> View {
    // The paths are constants above, so nothing of anybody's gets here unescaped.
    view! {
        <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" inner_html=icon.paths()></svg>
    }
    .into_any()
}
