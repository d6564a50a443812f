//! Configuration files of programs. The target is called `toml`; a file may have another format.
//!
//! In: the configurations of a deployment. Out: `runtime/FILE`, with the addresses that Compose uses.
//! Never: secrets.

use super::{Addresses, File, Plain, generated, node::Node};
use crate::plan::{Config, Deployment, Plan};

/// One file per configuration.
pub(super) fn emit(plan: &Plan, deployment: &Deployment, _: &[File]) -> Vec<File> {
    let (header, addresses) = (generated(plan), Addresses::of_compose(deployment));
    let file = |config: &Config| {
        let tree = Node::tree(&config.tree, &Plain(&addresses));
        File::of(format!("{}/runtime/{}", deployment.name, config.file), config.format, tree, &header)
    };
    deployment.configs.iter().map(file).collect()
}
