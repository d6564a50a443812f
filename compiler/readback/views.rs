//! The facts of Compose's view against those of Helm's view: they differ only where an override says so.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    diag::{Diags, codes},
    expr,
    facts::{self, Fact, Names},
    model::Deployed,
    plan::{Deployment, FactPath},
    schema,
};

/// Reports facts that differ between the views though nothing declares it.
pub(super) fn check(deployed: &Deployed, deployment: &Deployment, diags: &mut Diags) {
    let (Some(compose), false) = (&deployment.compose, deployment.cluster.is_empty()) else { return };
    // Both in the same names: what a link is called in each target is not a difference.
    let names = Names::of_compose(compose, &deployment.helm);
    let here = facts::of_workloads(&compose.workloads, &deployment.configs, &names);
    let there = facts::of_workloads(&deployment.cluster, &deployment.configs, &names);
    let paths: BTreeSet<&FactPath> = here.keys().chain(there.keys()).collect();
    for path in paths {
        let Some(field) = path.kind.row().field(&path.field).filter(|field| field.compose && field.helm) else {
            continue;
        };
        _ = field;
        let (one, other) = (here.get(path), there.get(path));
        if one.map(|fact| &fact.value) == other.map(|fact| &fact.value) || declared(deployed, path, one, other) {
            continue;
        }
        let say = |fact: Option<&Fact>| fact.map_or("nothing".to_owned(), |fact| super::spell(&fact.value));
        let message =
            format!("`{path}` is {} to `compose` and {} to `helm`, and no `override` says so", say(one), say(other));
        let at = one.or(other).map(super::place).unwrap_or_default();
        diags.push(codes::VIEWS_DIFFER.at(at, message).hint("add `override \"compose\" because=\"…\" { … }`"));
    }
}

/// Whether an override of the settings or of the workload's facts is behind a difference.
fn declared(deployed: &Deployed, path: &FactPath, one: Option<&Fact>, other: Option<&Fact>) -> bool {
    let origins = one.into_iter().chain(other).flat_map(|fact| &fact.place.origins);
    let (compose, helm) = (deployed.view("compose"), deployed.view("helm"));
    let views_differ = !std::ptr::eq(compose, helm);
    // A fact that exists in one view only has its reason in a condition, which is in no origin.
    views_differ && (one.is_none() || other.is_none() || differs_in_views(deployed, origins.map(|origin| &origin.path)))
        || overridden(deployed, path)
}

fn differs_in_views<'a>(deployed: &Deployed, mut paths: impl Iterator<Item = &'a Arc<str>>) -> bool {
    let (compose, helm) = (deployed.view("compose"), deployed.view("helm"));
    paths.any(|path| {
        let Some((id, keys)) = super::setting_of(&deployed.stack, path) else { return true };
        deployed
            .stack
            .below(id)
            .into_iter()
            .any(|id| compose.slot(id, &keys).map(|slot| &slot.value) != helm.slot(id, &keys).map(|slot| &slot.value))
    })
}

/// Whether the stack replaces facts of this kind for some targets.
fn overridden(deployed: &Deployed, path: &FactPath) -> bool {
    let of_workload = deployed.stack.workloads.iter().filter(|workload| {
        let in_loop = !matches!(workload.node.name.kind, expr::Kind::Literal(_));
        in_loop || schema::is_named(&workload.node.name, &path.workload)
    });
    let mut facts = of_workload.flat_map(|workload| &workload.node.overrides).flat_map(|over| &over.facts);
    facts.any(|fact| fact.node.kind.kind() == path.kind)
}
