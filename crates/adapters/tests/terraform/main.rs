//! The tool shed with the real engines: Terraform (`SLIPWAY_ENGINE`, else on PATH), and OpenTofu where
//! `SLIPWAY_ENGINE_TOFU` names it.

mod cancel;
mod faults;
mod life;
mod refusals;
mod secrets;
#[path = "../aws/stand.rs"]
mod stand;
mod state_backend;
mod support;
mod world;
