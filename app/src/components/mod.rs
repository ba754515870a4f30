//! The parts that pages are made of: functions from plain values to views. None of them asks the office.

mod field;
mod icon;
mod list;
mod log;
mod looks;
mod notice;
mod parts;
mod plan;
mod run;
mod shell;
mod steps;
pub mod times;
mod votes;

pub use field::{fields, FieldForm};
pub use icon::{icon, Icon};
pub use list::{pager, row, Row};
pub use log::{log_card, LogPart};
pub use looks::looks;
pub use notice::{banner, empty, fault, problem, Fault};
pub use parts::*;
pub use plan::{attributes, outcome, plan_card, shown, PlanPart};
pub use run::*;
pub use shell::{shell, Demo, Frame, Here, Who};
pub use steps::{stages, Stage};
pub use times::{ago, left, moment, Clock};
pub use votes::{votes, VoteLine};

/// A view whose type is forgotten: what every part answers, so that pages compile quickly.
pub type View = leptos::prelude::AnyView;
