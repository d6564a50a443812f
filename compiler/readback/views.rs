//! The facts of Compose's view against those of Helm's view: they differ only where an override says so.

use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes},
    expr,
    facts::{self, Fact, Facts, Names},
    model::{Deployed, View},
    plan::{Deployment, FactPath, Kind},
    schema::{self, FactKind, FileExpr, Guard, SettingId, Workload},
};

/// Reports facts that differ between the views though nothing declares it. `here` are those of Compose's view.
pub(super) fn check(deployed: &Deployed, deployment: &Deployment, names: &Names, here: &Facts, diags: &mut Diags) {
    let Some(compose) = &deployment.compose else { return };
    if deployment.cluster.is_empty() || compose.workloads == deployment.cluster {
        return;
    }
    // Both in the same names: what a link is called in each target is not a difference.
    let there = facts::of_workloads(&deployment.cluster, &deployment.configs, names);
    for (path, one, other) in facts::side_by_side(here, &there) {
        let both = || path.row().is_some_and(|field| field.compose && field.helm);
        let same = one.map(|fact| &fact.value) == other.map(|fact| &fact.value);
        if same || !both() || declared(deployed, path, one, other) {
            continue;
        }
        let say = |fact: Option<&Fact>| fact.map_or("nothing".to_owned(), |fact| super::spell(&fact.value));
        let message =
            format!("`{path}` is {} to `compose` and {} to `helm`, and no `override` says so", say(one), say(other));
        let at = one.or(other).map(super::place).unwrap_or_default();
        diags.push(codes::VIEWS_DIFFER.at(at, message).hint("add `override \"compose\" because=\"…\" { … }`"));
    }
}

/// Whether an override of the settings or of the workload's facts is behind a difference: one of a setting that the
/// fact was computed from, or on which it depends whether and how often it is stated.
fn declared(deployed: &Deployed, path: &FactPath, one: Option<&Fact>, other: Option<&Fact>) -> bool {
    let views = (deployed.view("compose"), deployed.view("helm"));
    let mut origins = one.into_iter().chain(other).flat_map(|fact| &fact.place.origins);
    let differs_below = |id: SettingId, keys: &[SmolStr]| {
        deployed.stack.below(id).into_iter().any(|id| slots(views.0, id, keys) != slots(views.1, id, keys))
    };
    let differs =
        |path: &str| super::setting_of(&deployed.stack, path).is_none_or(|(id, keys)| differs_below(id, &keys));
    let of_workload = || {
        deployed.stack.workloads.iter().filter(|workload| {
            let in_loop = !matches!(workload.node.name.kind, expr::Kind::Literal(_));
            in_loop || schema::is_named(&workload.node.name, &path.workload)
        })
    };
    let overridden = of_workload().any(|workload| overrides(&workload.node, path.kind));
    let has_views = !std::ptr::eq(views.0, views.1);
    let guarded = || {
        of_workload().flat_map(|workload| workload.guards.iter().chain(guards(&workload.node, path.kind))).any(
            |guard| {
                // A place that is no setting is an endpoint, or a fact of a workload.
                places(guard)
                    .into_iter()
                    .any(|place| deployed.stack.setting_at(place).is_none_or(|id| differs_below(id, &[])))
            },
        )
    };
    // What stands in a tree may depend on conditions within it.
    let in_tree = || of_workload().any(|workload| has_tree(&workload.node, path.kind));
    overridden || has_views && (in_tree() || origins.any(|origin| differs(&origin.path)) || guarded())
}

/// What a view holds of a setting below these keys.
fn slots<'v>(view: &'v View, id: SettingId, keys: &[SmolStr]) -> Vec<(&'v [SmolStr], &'v expr::Evaluated)> {
    let flat = view.slot(id, keys).map(|slot| (&[][..], &slot.value));
    let deep = view
        .deep
        .range((id, keys.to_vec())..)
        .take_while(|((found, below), _)| *found == id && below.starts_with(keys));
    flat.into_iter().chain(deep.map(|((_, keys), slot)| (keys.as_slice(), &slot.value))).collect()
}

/// Whether the stack replaces facts of this kind for some targets.
fn overrides(workload: &Workload, kind: Kind) -> bool {
    workload.overrides.iter().flat_map(|over| &over.facts).any(|fact| fact.node.kind.kind() == kind)
}

/// Whether a fact of this kind may be a tree.
fn has_tree(workload: &Workload, kind: Kind) -> bool {
    let is_tree = |kind: &FactKind| match kind {
        FactKind::File { content, .. } => !matches!(content, FileExpr::Text(_)),
        kind => matches!(kind, FactKind::EnvTree { .. }),
    };
    workload.facts.iter().any(|fact| fact.node.kind.kind() == kind && is_tree(&fact.node.kind))
}

/// The conditions and loops around facts of this kind.
fn guards(workload: &Workload, kind: Kind) -> impl Iterator<Item = &Guard> {
    let facts = workload.facts.iter().filter(move |fact| fact.node.kind.kind() == kind);
    facts.flat_map(|fact| {
        let inner: &[schema::Guarded<expr::Expr>] =
            if let FactKind::Args(words) = &fact.node.kind { words } else { &[] };
        fact.guards.iter().chain(inner.iter().flat_map(|word| &word.guards))
    })
}

/// What a condition or a loop reads.
fn places(guard: &Guard) -> Vec<expr::Place> {
    match guard {
        Guard::When(condition) => expr::references(condition).map(|path| path.place).collect(),
        Guard::Each(source) => vec![source.place],
    }
}
