//! What a program waits for in Compose, against what it is told to talk to: Kubernetes has no words for the one, and the
//! stack says both apart, each under conditions of its own.
//!
//! In: a deployment's stack and Compose's view of it. Out: findings.
//! Never: whether a program should wait at all, which is for its stack to say, and until when.
//! Invariant: a workload waits for another one where it is told of it, and only there, so that a condition that is turned
//! round is found wherever one of the two holds. One that waits for nothing, under no condition, is left alone; and so is the
//! one that the other one waits for.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::{
    diag::{Diags, codes},
    expr::{self, Expr},
    model::Deployed,
    plan::{self, Deployment},
    schema::{self, FactKind, Other, Stack, TreeNode, TreeValue},
    source::Span,
};

/// Compares what each workload with a fixed name waits for with the variables that lead there.
pub(super) fn check(deployed: &Deployed, deployment: &Deployment, diags: &mut Diags) {
    let Some(compose) = &deployment.compose else { return };
    for declared in &deployed.stack.workloads {
        let Some(name) = expr::constant_text(&declared.node.name) else { continue };
        let Some(workload) = compose.workloads.iter().find(|workload| workload.name == *name) else { continue };
        let needs = needs(&declared.node);
        let Some((_, at)) = needs.first() else { continue };
        for other in compose.workloads.iter().filter(|other| other.name != *name && other.beside.is_none()) {
            let variables = variables(&deployed.stack, &declared.node, &other.name);
            let named = needs.iter().find(|(need, _)| **need == other.name);
            let is_asked = named.is_some()
                || (is_needed(&deployed.stack, &other.name) && !is_waited_for(compose, &other.name, name));
            if !variables.is_empty() && is_asked {
                one(workload, &other.name, &variables, named.map_or(*at, |(_, at)| *at), diags);
            }
        }
    }
}

/// Whether anything in a stack waits for a workload, under whatever condition.
fn is_needed(stack: &Stack, other: &str) -> bool {
    stack.workloads.iter().any(|workload| needs(&workload.node).iter().any(|(need, _)| ***need == *other))
}

/// Whether a workload waits for another one, also through others.
fn is_waited_for(compose: &plan::Compose, waiting: &str, other: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut todo = vec![waiting];
    while let Some(name) = todo.pop() {
        let needs = compose.workloads.iter().filter(|workload| *workload.name == *name).flat_map(|found| &found.needs);
        for need in needs.filter(|need| seen.insert(&*need.workload)) {
            if *need.workload == *other {
                return true;
            }
            todo.push(&need.workload);
        }
    }
    false
}

fn one(workload: &plan::Workload, other: &SmolStr, variables: &BTreeSet<&SmolStr>, at: Span, diags: &mut Diags) {
    let told = variables.iter().find(|name| workload.env.contains_key(**name));
    let waits = workload.needs.iter().any(|need| need.workload == *other);
    let name = &workload.name;
    let (message, hint) = match (told, waits) {
        (Some(variable), false) => (
            format!(
                "`{name}` is told of `{other}` here, by `{name} env[{variable}]`, and does not wait for it (`{name} needs[{other}]`)"
            ),
            format!("say `needs \"{other}\"` under the condition of `{variable}`"),
        ),
        (None, true) => {
            let all: Vec<String> = variables.iter().map(|variable| format!("`{name} env[{variable}]`")).collect();
            (
                format!(
                    "`{name}` waits for `{other}` here (`{name} needs[{other}]`), and is not told of it by {}",
                    all.join(", ")
                ),
                format!("put `needs \"{other}\"` under the condition of these variables"),
            )
        }
        _ => return,
    };
    diags.push(codes::WAITS_DIFFER.at(at, message).hint(hint));
}

/// What a workload waits for, under whatever condition, by names that are fixed.
fn needs(workload: &schema::Workload) -> Vec<(&SmolStr, Span)> {
    let mut all = Vec::new();
    for fact in &workload.facts {
        if let FactKind::Needs { names, .. } = &fact.node.kind {
            all.extend(names.iter().filter_map(expr::constant_text).map(|name| (name, fact.node.span)));
        }
    }
    all
}

/// The variables that lead to an endpoint, under whatever condition.
fn variables<'s>(stack: &Stack, workload: &'s schema::Workload, other: &str) -> BTreeSet<&'s SmolStr> {
    let mut all = BTreeSet::new();
    for fact in &workload.facts {
        match &fact.node.kind {
            FactKind::Env { name, value, .. } if leads_to(stack, value, other) => all.extend(expr::constant_text(name)),
            FactKind::EnvTree { name, tree, .. } if tree_leads_to(stack, tree, other) => {
                all.extend(expr::constant_text(name))
            }
            _ => {}
        }
    }
    all
}

/// Whether an expression has the address of an endpoint, or a setting whose default has.
fn leads_to(stack: &Stack, expr: &Expr, other: &str) -> bool {
    let is_other = |found: &expr::Ref| match stack.other_at(found.place) {
        Some(
            Other::Endpoint(name)
            | Other::EndpointHost(name)
            | Other::EndpointPort(name, _)
            | Other::EndpointPorts(name)
            | Other::EndpointField(name, _),
        ) => **name == *other,
        _ => false,
    };
    let by_default = |found: &expr::Ref| {
        let id = stack.setting_at(found.place)?;
        let mut defaults = stack.setting(id).declarations.iter().flat_map(|declaration| &declaration.defaults);
        Some(defaults.any(|default| expr::references(default).any(is_other)))
    };
    expr::references(expr).any(|found| is_other(found) || by_default(found) == Some(true))
}

fn tree_leads_to(stack: &Stack, nodes: &[TreeNode], other: &str) -> bool {
    let value = |value: &TreeValue| match value {
        TreeValue::One(expr) => leads_to(stack, expr, other),
        TreeValue::Many(exprs) => exprs.iter().any(|expr| leads_to(stack, expr, other)),
        TreeValue::Nodes { nodes, .. } | TreeValue::Embedded(_, nodes) => tree_leads_to(stack, nodes, other),
    };
    nodes.iter().any(|node| match node {
        TreeNode::When(_, nodes) | TreeNode::Each(_, nodes) => tree_leads_to(stack, nodes, other),
        TreeNode::Key { value: found, .. } | TreeNode::Item { value: found, .. } => value(found),
    })
}
