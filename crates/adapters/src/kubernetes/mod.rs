//! Kubernetes: one cluster's API server, asked with an account that belongs to the worker alone.
//!
//! 1. [`Cluster::open`] takes a kubeconfig that holds everything in itself;
//! 2. [`manifest::read`] takes what a chart renders apart into objects;
//! 3. [`Cluster::compare`] asks the server what it would make of each, and says what differs from what is live;
//! 4. [`Cluster::watch_pods`] says how a rollout goes, [`Cluster::health`] how it stands.
//!
//! Forbidden: a plugin or a file that a kubeconfig names (it would run or be read on the worker's machine), and the data
//! of a Secret in anything that is stored.

mod compare;
mod connect;
pub mod manifest;
mod namespace;
mod pods;
mod watch;
mod workload;

pub use compare::Compared;
pub use connect::Cluster;
pub use manifest::Object;
pub use namespace::{ENVIRONMENT, Namespace, OWNER};
pub use pods::PodNews;
pub use watch::News;
pub use workload::Workload;
