//! PATTERN LOFT: what can be requested, and what a request means.
//!
//! A template is a folder: `template.toml` beside an ordinary Terraform module or Helm chart. This crate reads it as a
//! bundle that has a digest, understands enough of the module or chart to draw its form, understands the form that comes back, and judges
//! the author's rules where it can do so exactly as Terraform would. Forbidden: running anything, the network, and a
//! guess; what it does not understand it says so, with file, line and reason, and what it cannot judge it leaves to
//! the engine's preview.

mod broken;
mod bundle;
mod chart;
mod decode;
mod eval;
mod judge;
mod kind;
mod manifest;
mod module;
mod number;
mod release;
mod template;
mod value;
mod variable;
mod version;

pub use broken::Broken;
pub use bundle::{Bundle, MAX_BYTES, MAX_FILES, Undecodable};
pub use chart::{Chart, values};
pub use decode::{Decoded, decode, numbers_are_exact};
pub use judge::{Verdict, judge};
pub use manifest::{Engine, EngineName, Life, Need, Who};
pub use module::{Output, Provider};
pub use number::Number;
pub use release::Release;
pub use template::{Entry, Template, read_catalog};
pub use version::Constraint;
