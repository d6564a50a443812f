//! An environment that is complete: every setting with its value and where it came from.
//!
//! Data only. Never: how it was filled.

mod flux;
mod instances;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use indexmap::IndexMap;
use smol_str::SmolStr;

pub use self::{
    flux::{Flux, PROVIDERS, SOURCES, WORDS, Word, WordKind},
    instances::Instances,
};
use crate::{
    expr::Evaluated,
    plan::Tree,
    schema::{Assignment, SettingId, Stack},
    source::Span,
    value::Value,
};

/// An environment, resolved.
#[derive(Clone, Debug)]
pub struct Env {
    /// Its name.
    pub name: SmolStr,
    /// Its deployments.
    pub deployments: Vec<Deployed>,
    /// What it says of Flux for all of them.
    pub flux: Flux,
}

impl Env {
    /// What is said of Flux for a deployment, by the paths of its words; of the `Kustomization`, which there is one of,
    /// for the first deployment that Flux installs. Nothing where Flux does not.
    #[must_use]
    pub fn flux_of(&self, deployed: &Deployed) -> Vec<(&'static Word, Option<Value>)> {
        let first = self.deployments.iter().find(|found| found.writes("flux"));
        let is_first = first.is_some_and(|first| first.name == deployed.name);
        let mut words = deployed.flux.effective(&deployed.name, &self.name);
        words.retain(|(word, _)| deployed.writes("flux") && (is_first || !word.path.starts_with("kustomization.")));
        words
    }
}

/// One stack in an environment.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// Its name, which is its folder.
    pub name: SmolStr,
    /// Its stack.
    pub stack: Arc<Stack>,
    /// What the environment wrote, weakest last layer excluded.
    pub written: Vec<Assignment>,
    /// The environment's overrides.
    pub overrides: Vec<Override>,
    /// Keys that the environment adds to a target.
    pub raw: Vec<Raw>,
    /// Dangerous or doubtful things that the environment declares to be meant.
    pub allows: Vec<Allow>,
    /// The paths of the texts that look like secrets and are declared not to be.
    pub excused: BTreeSet<SmolStr>,
    /// The targets asked for.
    pub targets: Vec<SmolStr>,
    /// What is said of Flux, for it alone or for all deployments; counts where the target is asked for.
    pub flux: Flux,
    /// The view that targets without overrides share.
    pub base: View,
    /// The views of targets that an override names.
    pub views: IndexMap<SmolStr, View>,
}

impl Deployed {
    /// The settings as a target sees them.
    #[must_use]
    pub fn view(&self, target: &str) -> &View {
        self.views.get(target).unwrap_or(&self.base)
    }

    /// Whether a target's files are wanted.
    #[must_use]
    pub fn writes(&self, target: &str) -> bool {
        self.targets.iter().any(|name| name.as_str() == target)
    }

    /// All views with their names, the base view first.
    pub fn all_views(&self) -> impl Iterator<Item = (&str, &View)> {
        std::iter::once(("base", &self.base)).chain(self.views.iter().map(|(name, view)| (name.as_ref(), view)))
    }
}

/// Values that an environment gives some targets only.
#[derive(Clone, Debug)]
pub struct Override {
    /// The targets.
    pub targets: Vec<SmolStr>,
    /// The reason.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// The values.
    pub values: Vec<Assignment>,
}

/// Keys that an environment adds to a target.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The target.
    pub target: SmolStr,
    /// The release, for Helm; empty is the one that is called as the stack, else the first.
    pub release: SmolStr,
    /// The reason.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// The keys.
    pub tree: Tree,
}

/// Something that is refused unless the environment declares that it is meant.
#[derive(Clone, Debug)]
pub struct Allow {
    /// What: one of [`KINDS`].
    pub kind: &'static str,
    /// Of what: a service, a path of keys or of a setting.
    pub subject: SmolStr,
    /// The reason.
    pub because: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// What `allow` may declare, and what that means.
pub const KINDS: &[(&str, &str)] = &[
    ("capability", "a program is given a capability of the system"),
    ("escalation", "a program may gain more rights than it starts with"),
    ("host-device", "a device of the host is handed to a program"),
    ("host-mount", "a file, folder or socket of the host is mounted"),
    ("host-namespace", "a program sees the processes or the memory of the host"),
    ("host-network", "a program shares the network of the host"),
    ("host-program", "a program of the host is run"),
    ("other-file", "keys come from a file that is not read here"),
    ("privileged", "a program has every right that the host has"),
    ("secret-like", "a text that looks like a secret is none"),
    ("unconfined", "a filter of the system for what a program may do is switched off"),
];

/// The settings as one target sees them.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Settings that stand in no map and no list, by number.
    pub flat: Vec<Option<Slot>>,
    /// The others, by number and keys.
    pub deep: BTreeMap<Place, Slot>,
    /// The keys of maps and lists of settings.
    pub keys: BTreeMap<Place, Vec<SmolStr>>,
}

/// A setting, and the keys of the maps and lists above it, outermost first.
pub type Place = (SettingId, Vec<SmolStr>);

impl View {
    /// What is known of a setting.
    #[must_use]
    pub fn slot(&self, id: SettingId, keys: &[SmolStr]) -> Option<&Slot> {
        if keys.is_empty() {
            return self.flat.get(id.index()).and_then(Option::as_ref);
        }
        self.deep.get(&(id, keys.to_vec()))
    }

    /// The keys of a map, or the indexes of a list of records.
    #[must_use]
    pub fn keys_of(&self, id: SettingId, keys: &[SmolStr]) -> &[SmolStr] {
        self.keys.get(&(id, keys.to_vec())).map_or(&[], Vec::as_slice)
    }
}

/// A setting's value and where it came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Slot {
    /// The value.
    pub value: Evaluated,
    /// Who gave it.
    pub layer: Layer,
    /// The place that gave it.
    pub span: Span,
    /// Which of the setting's declarations holds; none if it does not exist.
    pub declaration: Option<u32>,
    /// Weaker candidates, strongest first.
    pub lost: Vec<(Layer, Span)>,
}

/// Who gave a setting its value, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Layer {
    /// Nobody.
    None,
    /// Its declaration.
    Default,
    /// The preset of this number.
    Preset(u32),
    /// The environment.
    Environment,
    /// The stack's override of this number.
    StackOverride(u32),
    /// The environment's override of this number.
    EnvironmentOverride(u32),
}
