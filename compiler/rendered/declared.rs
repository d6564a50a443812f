//! Why two targets do not say the same of a fact: what the environment, the stack or a chart's surface declares.

use std::{collections::BTreeMap, sync::Arc};

use smol_str::SmolStr;

use crate::{
    expr,
    facts::Fact,
    lock,
    model::Deployed,
    plan::{Deployment, FactPath, Kind},
    read::{self, Node},
    schema::{Stack, Surface, Unsaid},
    seal,
    surface::Values,
    value,
};

/// The declarations of a deployment.
pub(super) struct Declarations {
    overrides: Vec<lock::Difference>,
    of_facts: Vec<OfFacts>,
    /// Patterns of facts that a chart cannot state, as its values are, and why.
    unsaid: Vec<(Unsaid, SmolStr)>,
}

impl Declarations {
    /// `values` are the texts of the releases' values, by file.
    pub(super) fn of(deployed: &Deployed, deployment: &Deployment, values: &BTreeMap<String, String>) -> Declarations {
        let mut overrides = seal::differences(deployed);
        overrides.retain(|it| it.kind == "override" && matches!(it.target.as_str(), "compose" | "helm"));
        let mut unsaid = Vec::new();
        for release in &deployment.helm {
            let declared = deployed.stack.release(release);
            let Some(surface) = declared.and_then(|it| deployed.stack.surface(it)) else { continue };
            let tree = values.get(&*release.file).and_then(|text| read::yaml::parse(text).ok());
            unsaid.extend(unsaid_of(&surface, tree.as_ref()));
        }
        Declarations { overrides, of_facts: of_facts(&deployed.stack), unsaid }
    }

    /// Why no chart states a fact, if one of them says that it does not.
    pub(super) fn unsaid(&self, path: &FactPath) -> Option<(&str, &str)> {
        self.unsaid.iter().find(|(unsaid, _)| unsaid.covers(path)).map(|(it, chart)| (&**chart, &*it.because))
    }

    /// Why the views differ in a fact: an override of a setting that it was computed from, or of the workload's facts
    /// of this kind. Of a workload that one view does not have, an override of any setting that is called like it.
    pub(super) fn behind(&self, path: &FactPath, facts: &[Option<&Fact>], alone: bool) -> Reason {
        let origins: Vec<&str> =
            facts.iter().flatten().flat_map(|fact| &fact.place.origins).map(|origin| &*origin.path).collect();
        let of_setting = |it: &&lock::Difference| origins.iter().any(|origin| is_within(origin, &it.subject));
        let named = |it: &&lock::Difference| alone && it.subject.split('.').any(|word| *word == *path.workload);
        if let Some(found) = self.overrides.iter().find(of_setting).or_else(|| self.overrides.iter().find(named)) {
            return Reason { subject: found.subject.clone(), because: found.because.clone() };
        }
        let of_facts =
            |it: &&OfFacts| it.kind == path.kind && it.workload.as_ref().is_none_or(|it| *it == path.workload);
        match self.of_facts.iter().find(of_facts) {
            Some(found) => {
                Reason { subject: format!("workload {}", path.workload), because: found.because.to_string() }
            }
            None => Reason {
                subject: origins.first().map_or_else(|| path.to_string(), |origin| (*origin).to_owned()),
                because: "the settings that decide it are not the same for both".to_owned(),
            },
        }
    }
}

/// Which declaration makes two views differ, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reason {
    /// The setting, or the workload.
    pub subject: String,
    /// The reason.
    pub because: String,
}

/// Facts of a kind that the stack states otherwise for some targets.
struct OfFacts {
    /// The workload; none where a loop names it.
    workload: Option<SmolStr>,
    kind: Kind,
    because: SmolStr,
}

fn of_facts(stack: &Stack) -> Vec<OfFacts> {
    let mut found = Vec::new();
    for workload in &stack.workloads {
        let name = match &workload.node.name.kind {
            expr::Kind::Literal(name) => Some(value::spell(name).into()),
            _ => None,
        };
        for over in &workload.node.overrides {
            let kinds = over.facts.iter().map(|fact| fact.node.kind.kind());
            let one = |kind| OfFacts { workload: name.clone(), kind, because: over.because.clone() };
            found.extend(kinds.map(one));
        }
    }
    found
}

/// Whether one path is the other, or below it, or above it.
fn is_within(one: &str, other: &str) -> bool {
    let below =
        |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    below(one, other) || below(other, one)
}

fn unsaid_of(surface: &Arc<Surface>, tree: Option<&Node<'_>>) -> Vec<(Unsaid, SmolStr)> {
    let values = tree.map(|tree| Values::new(surface, tree));
    let holds = |it: &&Unsaid| values.as_ref().is_none_or(|values| values.holds(it.when.as_ref()) != Some(false));
    surface.unsaid.iter().filter(holds).map(|it| (it.clone(), surface.chart.clone())).collect()
}
