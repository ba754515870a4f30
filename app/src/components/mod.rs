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

pub use field::{FieldForm, fields};
pub use icon::{Icon, icon};
pub use list::{Row, pager, row, table};
pub use log::{LogPart, log_card};
pub use looks::looks;
pub use notice::{Fault, banner, empty, fault, problem};
pub use parts::*;
pub use plan::{PlanPart, attributes, outcome, plan_card, shown};
pub use run::*;
pub use shell::{Demo, Frame, Here, Who, shell};
pub use steps::{Stage, stages};
pub use times::{Clock, ago, left, moment, now};
pub use votes::{VoteLine, votes};

/// A view whose type is forgotten: what every part answers, so that pages compile quickly.
pub type View = leptos::prelude::AnyView;
