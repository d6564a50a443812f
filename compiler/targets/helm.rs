//! Helm: the values of each release.
//!
//! In: the releases of a deployment. Out: `helm/FILE` in YAML.
//! Never: a chart; which keys it reads and runs through `tpl` was checked before.

use super::{Addresses, File, Plain, generated, node::Node};
use crate::plan::{Deployment, Format, Plan};

/// One file per release.
pub(super) fn emit(plan: &Plan, deployment: &Deployment) -> Vec<File> {
    let header = generated(plan);
    let file = |release: &crate::plan::Release| {
        let values = Node::tree(&release.values, &Plain(&Addresses::of_release(release)));
        File::of(format!("{}/helm/{}", deployment.name, release.file), Format::Yaml, values, &header)
    };
    deployment.helm.iter().map(file).collect()
}
