//! Programs that share a pod: ports, and who runs beside whom.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::{named, place};
use crate::{
    diag::{Diags, codes},
    plan::{Deployment, Leaf, Probe, Role, Workload},
    value::{self, Value},
};

/// The workloads of each view: what both say alike is told once.
fn views(deployment: &Deployment) -> impl Iterator<Item = &[Workload]> {
    let compose = deployment.compose.as_ref().map(|compose| compose.workloads.as_slice());
    [Some(deployment.cluster.as_slice()), compose].into_iter().flatten()
}

/// What runs beside a program runs beside a service that is there and is not itself beside another one.
pub(super) fn owners(deployment: &Deployment, diags: &mut Diags) {
    for workloads in views(deployment) {
        for (workload, leaf) in workloads.iter().filter_map(|workload| Some((workload, workload.beside.as_ref()?))) {
            let owner = value::spell(&leaf.value);
            let (said, help) = match workloads.iter().find(|other| *other.name == *owner) {
                None => ("which does not run here", "run both, or neither"),
                Some(other) if other.beside.is_some() => ("which itself runs beside another one", "name that one"),
                Some(other) if other.role != Role::Service => ("which ends", "only a service has programs beside it"),
                Some(_) => continue,
            };
            let message = format!("`{}` runs beside `{owner}`, {said}", workload.name);
            diags.push(codes::NOT_BESIDE.at(place(leaf), message).hint(help));
        }
    }
}

/// Compose runs it beside one copy, and what it shares of the service's volumes is there.
pub(super) fn shared(deployment: &Deployment, diags: &mut Diags) {
    let compose = deployment.compose.as_ref().map_or(&[][..], |compose| &compose.workloads);
    let mut told = BTreeSet::new();
    for workload in compose {
        let Some(owner) = compose.iter().find(|other| workload.is_beside(&other.name)) else { continue };
        let several = owner.replicas.as_ref().filter(|leaf| !owner.stateful && is_several(&leaf.value));
        if let Some(leaf) = several.filter(|_| told.insert(&owner.name)) {
            let count = value::spell(&leaf.value);
            let message = format!(
                "in Compose `{}` would run beside the first of {count} copies of `{}`",
                workload.name, owner.name
            );
            let finding = codes::NOT_BESIDE.at(place(leaf), message);
            let finding = finding.underline(format!("{} is {count}", named(leaf, "the number of copies")));
            diags.push(finding.hint("run one copy in Compose: `override \"compose\" because=\"…\" { … }`"));
        }
        for volume in workload.volumes.iter().filter(|volume| volume.of.is_some()) {
            if !owner.volumes.iter().any(|other| other.name == volume.name && other.of.is_none()) {
                let message = format!(
                    "`{}` shares the volume `{}` of `{}`, which has none",
                    workload.name, volume.name, owner.name
                );
                let at = place(&volume.at);
                diags.push(codes::NOT_BESIDE.at(at, message).hint(format!("add the volume to `{}`", owner.name)));
            }
        }
    }
}

fn is_several(count: &Value) -> bool {
    matches!(count, Value::Int(2..))
}

/// The programs of a pod have one network: each port, and each name of one, belongs to one of them.
pub(super) fn ports(deployment: &Deployment, diags: &mut Diags) {
    for workloads in views(deployment) {
        let mut numbers: BTreeMap<(String, String, i64), (&str, &Leaf)> = BTreeMap::new();
        let mut names: BTreeMap<(String, &str), (&str, &Leaf)> = BTreeMap::new();
        for workload in workloads.iter().filter(|workload| shares(workload, workloads)) {
            let pod = workload.beside.as_ref().map_or(workload.name.to_string(), |leaf| value::spell(&leaf.value));
            for port in &workload.ports {
                let this = (&*workload.name, &port.number);
                let Value::Int(number) = port.number.value else { continue };
                let known = numbers.insert((pod.clone(), port.protocol.to_string(), number), this);
                match known.filter(|(other, _)| *other != this.0) {
                    Some(other) => twice(format!("port {number}"), this, other, diags),
                    None => {
                        let known = names.insert((pod.clone(), &port.name), this);
                        if let Some(other) = known.filter(|(other, _)| *other != this.0) {
                            twice(format!("the name `{}` of a port", port.name), this, other, diags);
                        }
                    }
                }
            }
        }
    }
}

/// Whether a workload shares its pod with another one.
fn shares(workload: &Workload, workloads: &[Workload]) -> bool {
    workload.beside.is_some() || workloads.iter().any(|other| other.is_beside(&workload.name))
}

fn twice(what: String, this: (&str, &Leaf), other: (&str, &Leaf), diags: &mut Diags) {
    let message = format!("`{}` and `{}` share a pod, and both want {what}", other.0, this.0);
    diags.push(
        codes::POD_PORT_TWICE
            .at(place(this.1), message)
            .underline(named(this.1, "this one"))
            .label(place(other.1), named(other.1, "the other one"))
            .hint("give one of them another port"),
    );
}

/// A check asks a port that its program declares, where the name of the port is computed.
pub(super) fn declared(deployment: &Deployment, diags: &mut Diags) {
    for workload in &deployment.cluster {
        for check in &workload.health {
            let port = match &check.probe {
                Probe::Http { port, .. } | Probe::Tcp { port } => port,
                Probe::Exec { .. } => continue,
            };
            if !port.is_empty() && !workload.ports.iter().any(|known| known.name == *port) {
                let (name, kind) = (&workload.name, format!("{:?}", check.kind).to_lowercase());
                let message =
                    format!("`{name} health[{kind}]` asks the port `{port}`, which `{name}` does not declare");
                diags.push(codes::UNDECLARED_PORT.at(check.at, message).hint(format!("add `port \"{port}\" NUMBER`")));
            }
        }
    }
}
