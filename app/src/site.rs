//! What the web process knows about the house that it stands in: facts of the start, the same for every request.

use std::sync::Arc;

use slipway_catalog::Need;

use crate::{assets::Assets, components::Demo};

/// Facts of the start.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The built files.
    pub assets: Arc<Assets>,
    /// Set while the demo sign-in is on.
    pub demo: Option<DemoSite>,
    /// Set while people sign in with Google.
    pub google: Option<GoogleSite>,
    /// Which AWS there is.
    pub aws: Aws,
}

/// Google's sign-in, as far as a page may show it. The client's secret is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoogleSite {
    /// The client's id.
    pub client: String,
    /// The provider's address.
    pub issuer: String,
    /// The domains whose accounts may sign in.
    pub domains: Vec<String>,
    /// Where the provider sends people back to.
    pub redirect: String,
    /// Addresses that make their first bearer an admin.
    pub admins: Vec<String>,
}

/// The demo sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoSite {
    /// The port that browsers use, for links such as `http://lead.localhost:7070/`.
    pub port: u16,
}

/// Which AWS the worker acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Aws {
    /// None, and what is missing for it: `the AWS provider`, `AWS credentials`.
    Missing(String),
    /// An imitation at this address: nothing real is made and nothing is paid.
    Imitation(String),
    /// A real account.
    Real,
    /// The web process was not told.
    #[default]
    Unsaid,
}

impl DemoSite {
    /// The address of a persona's own host.
    #[must_use]
    pub fn host(&self, persona: &str) -> String {
        format!("http://{persona}.localhost:{}", self.port)
    }

    /// What the frame shows.
    #[must_use]
    pub fn frame(&self) -> Demo {
        Demo {
            switch: format!("http://localhost:{}/sign-in", self.port),
        }
    }
}

impl Site {
    /// What stands in the way of a template that needs this; `None` if nothing that the web process knows of.
    #[must_use]
    pub fn lacks(&self, need: Need) -> Option<String> {
        match (need, &self.aws) {
            (Need::Aws, Aws::Missing(what)) => {
                Some(format!("It needs AWS, and {what} is missing here."))
            }
            (Need::Kubernetes, _) => {
                Some("It needs a Kubernetes cluster, and this Slipway acts on none yet.".into())
            }
            _ => None,
        }
    }
}
