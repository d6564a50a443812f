//! Helm: the values of each release.
//!
//! In: the releases of a deployment. Out: `helm/FILE` in YAML.
//! Never: a chart; which keys it reads and runs through `tpl` was checked before.

use super::{Addresses, File, generated, node::Node, words::Speaker};
use crate::{
    plan::{Deployment, Format, Plan},
    value::{Link, SecretRef, secret_variable},
};

/// One file per release.
pub(super) fn emit(plan: &Plan, deployment: &Deployment, _: &[File]) -> Vec<File> {
    let header = generated(plan);
    let file = |release: &crate::plan::Release| {
        let values = Node::tree(&release.values, &Words(Addresses::of_release(release)));
        File::of(format!("{}/helm/{}", deployment.name, release.file), Format::Yaml, values, &header)
    };
    deployment.helm.iter().map(file).collect()
}

/// Kubernetes' words. A plain text stands as it is: only `lower` knows which keys end up where `$(` is read, and
/// escapes there.
pub(super) struct Words(pub(super) Addresses);

impl Speaker for Words {
    fn literal(&self, text: &str) -> String {
        text.to_owned()
    }

    fn link(&self, link: &Link) -> String {
        self.0.text(link)
    }

    /// A secret within the text of a variable: our own chart declares the variable that holds it before.
    fn secret(&self, secret: &SecretRef) -> String {
        format!("$({})", secret_variable(secret))
    }
}
