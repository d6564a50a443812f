//! What Flux is told: how a deployment is installed, and how an environment is applied.

use smol_str::SmolStr;

use super::{Leaf, Tree};
use crate::value;

/// How the releases of one deployment are installed.
#[derive(Clone, PartialEq, Debug)]
pub struct Flux {
    /// The namespace of its objects, and of what the releases install; a DNS label.
    pub namespace: Leaf,
    /// Whether this deployment makes the namespace; one of those that share it does.
    pub makes_namespace: bool,
    /// How often Flux compares the releases and looks at their charts; [`value::Value::Duration`], as the next.
    pub interval: Leaf,
    /// How long an installation or upgrade may take.
    pub timeout: Leaf,
    /// How often a failed one is tried again; -1 is for ever.
    pub retries: Leaf,
    /// `enabled`, `warn` or `disabled`.
    pub drift: Leaf,
    /// The account that installs.
    pub service_account: Option<Leaf>,
    /// The secret that leads to another cluster; [`value::Value::Secret`].
    pub kube_config: Option<Leaf>,
    /// The releases, in the order of the plan's.
    pub releases: Vec<FluxRelease>,
    /// What the External Secrets operator fetches, by name.
    pub secrets: Vec<ExternalSecret>,
    /// Objects of the stack beside the releases.
    pub objects: Vec<Object>,
}

/// How one release is installed.
#[derive(Clone, PartialEq, Debug)]
pub struct FluxRelease {
    /// The release in the plan: [`super::Release::name`].
    pub release: SmolStr,
    /// What Helm and Flux call it: a DNS label of at most 53 characters, unique in its namespace.
    pub name: SmolStr,
    /// The chart.
    pub chart: SmolStr,
    /// Its version.
    pub version: SmolStr,
    /// The file of its values, below `helm/`.
    pub file: SmolStr,
    /// Where the chart lies; nothing for one that lies in the project, below [`Kustomization::charts`].
    pub source: Option<ChartSource>,
    /// The releases that have to be ready before.
    pub depends_on: Vec<Named>,
}

impl Flux {
    /// The namespace as text.
    #[must_use]
    pub fn namespace(&self) -> SmolStr {
        value::spell(&self.namespace.value).into()
    }
}

impl FluxRelease {
    /// What the `ConfigMap` of its values is called, before its content makes the name unique.
    #[must_use]
    pub fn config_map(&self) -> String {
        format!("{}-values", self.name)
    }
}

/// An object in a namespace.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Named {
    /// Its namespace; empty is that of the object that names it.
    pub namespace: SmolStr,
    /// Its name.
    pub name: SmolStr,
}

/// Where a chart lies.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the words of `flux.source`")]
pub struct ChartSource {
    /// `oci`, `helm` or `git`.
    pub kind: SmolStr,
    pub url: Leaf,
    pub path: Option<Leaf>,
    pub tag: Option<Leaf>,
    pub commit: Option<Leaf>,
    pub secret: Option<Leaf>,
}

/// A secret that the External Secrets operator makes.
#[derive(Clone, PartialEq, Debug)]
pub struct ExternalSecret {
    /// The secret that is made; the object has the same name.
    pub name: SmolStr,
    /// The store's name and kind.
    pub store: Leaf,
    /// `SecretStore` or `ClusterSecretStore`.
    pub kind: Leaf,
    /// How often it is fetched again.
    pub refresh: Leaf,
    /// Its keys, by name.
    pub keys: Vec<Fetched>,
}

/// A key of a secret, and where it is fetched from.
#[derive(Clone, PartialEq, Debug)]
pub struct Fetched {
    /// The key; the leaf is the reference, with the settings that hold it.
    pub key: Leaf,
    /// The entry of the store.
    pub entry: SmolStr,
    /// The property of that entry; none for the whole entry.
    pub property: Option<SmolStr>,
}

/// An object of the stack beside the releases.
#[derive(Clone, PartialEq, Debug)]
pub struct Object {
    /// Its file, below `flux/`.
    pub file: SmolStr,
    /// What is in it.
    pub tree: Tree,
}

/// How an environment is applied.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "they are the words of `flux.kustomization`")]
pub struct Kustomization {
    pub name: SmolStr,
    pub namespace: SmolStr,
    pub interval: Leaf,
    pub retry_interval: Leaf,
    pub timeout: Leaf,
    pub path: SmolStr,
    /// The folder of the project's charts, beside that of the environment; a chart's own is `NAME-VERSION`.
    pub charts: SmolStr,
    pub prune: Leaf,
    pub wait: Leaf,
    pub depends_on: Vec<Named>,
    pub service_account: Option<Leaf>,
    /// `GitRepository`, `OCIRepository` or `Bucket`.
    pub source_kind: SmolStr,
    pub source: Named,
    /// How encrypted files are read, if there are any.
    pub decryption: Option<Decryption>,
    /// What the cluster must have beforehand.
    pub requires: Vec<Cluster>,
}

impl Kustomization {
    /// What brings the project into the cluster, as another object names it.
    #[must_use]
    pub fn brought_by(&self) -> Named {
        let own = self.source.namespace.is_empty();
        let namespace = if own { &self.namespace } else { &self.source.namespace };
        Named { namespace: namespace.clone(), name: self.source.name.clone() }
    }
}

/// Where encrypted files lie, and what decrypts them.
#[derive(Clone, PartialEq, Debug)]
pub struct Decryption {
    /// The secret with the key.
    pub secret: Leaf,
    /// The folder, relative to the project.
    pub files: SmolStr,
}

/// Something that a cluster must have before an environment is applied to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cluster {
    /// In words.
    pub name: SmolStr,
    /// The custom resource definition that shows that it is there; may be empty.
    pub crd: SmolStr,
}
