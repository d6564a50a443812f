//! Flux: how each release is installed, and what `kustomize` builds of an environment.
//!
//! In: what a plan says to Flux. Out: `flux/*` of a deployment; `kustomization.yaml` and what belongs to it, beside
//! the deployments.
//! Never: a value of a chart; the values stand in `helm/` alone, and are named here.

use super::{Addresses, File, generated, helm::Words, node::Entries, node::Node};
use crate::{
    emit::Output,
    plan::{
        ChartSource, Deployment, ExternalSecret, Flux, FluxRelease, Format, Kustomization, Leaf, Named, Object, Plan,
    },
    value::{Value, spell},
};

/// What `kustomize` builds.
const KUSTOMIZATION: &str = "kustomization.yaml";
/// Which fields hold the names of generated objects.
const REFERENCES: &str = "kustomizeconfig.yaml";
/// The object that tells Flux to apply all that; no part of it.
const APPLIED_BY: &str = "flux-kustomization.yaml";

/// The folder of charts in a registry holds one artifact each, of this type.
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// The objects of one deployment, each in a file of its own.
pub(super) fn emit(plan: &Plan, deployment: &Deployment, _: &[File]) -> Vec<File> {
    let Some(flux) = &deployment.flux else { return Vec::new() };
    let printing = Printing { header: generated(plan), deployment, flux, applied_by: plan.kustomization.as_ref() };
    let mut files = Vec::new();
    if flux.makes_namespace {
        files.push(printing.file("namespace.yaml", printing.namespace()));
    }
    for release in &flux.releases {
        if let Some(source) = &release.source {
            files.push(printing.file(&format!("source-{}.yaml", release.release), printing.source(release, source)));
        }
        files.push(printing.file(&format!("release-{}.yaml", release.release), printing.release(release)));
    }
    for secret in &flux.secrets {
        files.push(printing.file(&format!("external-secret-{}.yaml", secret.name), printing.external_secret(secret)));
    }
    files.extend(flux.objects.iter().map(|object| printing.file(&object.file, printing.object(object))));
    files
}

struct Printing<'p> {
    header: String,
    deployment: &'p Deployment,
    flux: &'p Flux,
    /// What applies all that; there is none while something is missing.
    applied_by: Option<&'p Kustomization>,
}

impl<'p> Printing<'p> {
    fn file(&self, name: &str, node: impl Into<Node<'p>>) -> File {
        let path = format!("{}/flux/{name}", self.deployment.name);
        File::of(path, Format::Yaml, node.into(), &self.header)
    }

    /// Whatever else goes, the namespace stays: with it would go every volume in it.
    fn namespace(&self) -> Entries<'p> {
        let mut metadata = Entries::default();
        metadata.put("name", plain(&self.flux.namespace));
        metadata.put("annotations", Node::Fixed(annotation("prune")));
        object("v1", "Namespace", metadata, None)
    }

    fn source(&self, release: &'p FluxRelease, source: &'p ChartSource) -> Entries<'p> {
        let mut spec = Entries::default();
        spec.put("interval", plain(&self.flux.interval));
        match source.kind.as_ref() {
            "oci" => {
                spec.put("url", at(&source.url, |url| format!("{}/{}", url.trim_end_matches('/'), release.chart)));
                // a tag has no `+`, and Helm writes `_` for it
                spec.put("ref", one("tag", Node::word(release.version.replace('+', "_"))));
                spec.put("layerSelector", Node::Fixed(chart_layer()));
            }
            "helm" => spec.put("url", plain(&source.url)),
            _ => {
                spec.put("url", plain(&source.url));
                let mut taken = Entries::default();
                taken.maybe("tag", source.tag.as_ref().map(plain));
                taken.maybe("commit", source.commit.as_ref().map(plain));
                spec.put("ref", taken);
            }
        }
        spec.maybe("secretRef", source.secret.as_ref().map(|leaf| one("name", plain(leaf))));
        object("source.toolkit.fluxcd.io/v1", source_kind(source), self.metadata(&release.name), Some(spec))
    }

    fn release(&self, release: &'p FluxRelease) -> Entries<'p> {
        let flux = self.flux;
        let mut spec = Entries::default();
        spec.put("interval", plain(&flux.interval));
        spec.put("timeout", plain(&flux.timeout));
        spec.put("releaseName", Node::word(&*release.name));
        spec.put("targetNamespace", plain(&flux.namespace));
        match &release.source {
            Some(source) => {
                let (key, chart) = chart(release, source);
                spec.put(key, chart);
            }
            None => spec.maybe("chart", self.applied_by.map(|applied_by| chart_of_project(release, applied_by))),
        }
        spec.unless_empty("dependsOn", Node::List(release.depends_on.iter().map(waits_for).collect()));
        spec.maybe("serviceAccountName", flux.service_account.as_ref().map(plain));
        spec.maybe("kubeConfig", flux.kube_config.as_ref().map(|leaf| one("secretRef", key_of_secret(leaf))));
        spec.put("install", remediated(flux, flux.kube_config.is_some(), None));
        spec.put("upgrade", remediated(flux, false, Some("rollback")));
        spec.put("driftDetection", one("mode", plain(&flux.drift)));
        let values = [("kind", Output::string("ConfigMap")), ("name", Output::string(release.config_map()))];
        spec.put("valuesFrom", Node::List(vec![Node::Fixed(Output::map(values))]));
        object("helm.toolkit.fluxcd.io/v2", "HelmRelease", self.metadata(&release.name), Some(spec))
    }

    fn external_secret(&self, secret: &'p ExternalSecret) -> Entries<'p> {
        let mut store = Entries::default();
        store.put("kind", plain(&secret.kind));
        store.put("name", plain(&secret.store));
        let mut spec = Entries::default();
        spec.put("refreshInterval", plain(&secret.refresh));
        spec.put("secretStoreRef", store);
        spec.put("target", one("name", Node::word(&*secret.name)));
        let data = secret.keys.iter().map(|fetched| {
            let mut remote = vec![("key", Output::string(&*fetched.entry))];
            remote.extend(fetched.property.as_ref().map(|property| ("property", Output::string(&**property))));
            let mut entry = Entries::default();
            entry.put("secretKey", at(&fetched.key, |text| text.rsplit('/').next().unwrap_or_default().to_owned()));
            entry.put("remoteRef", Node::Fixed(Output::map(remote)));
            entry.into()
        });
        spec.put("data", Node::List(data.collect()));
        object("external-secrets.io/v1", "ExternalSecret", self.metadata(&secret.name), Some(spec))
    }

    /// An object of the stack, in the deployment's namespace unless it says another.
    fn object(&self, object: &'p Object) -> Node<'p> {
        let addresses = Addresses::of_releases(&self.deployment.helm);
        let mut below = Entries::default();
        below.put("metadata", one("namespace", plain(&self.flux.namespace)));
        let mut tree = Node::tree(&object.tree, &Words(addresses));
        tree.beneath(below.into());
        tree
    }

    fn metadata(&self, name: &str) -> Entries<'p> {
        let mut metadata = Entries::default();
        metadata.put("name", Node::word(name));
        metadata.put("namespace", plain(&self.flux.namespace));
        metadata
    }
}

/// What stands beside the deployments: what is built, and what applies it.
pub(super) fn of_environment(plan: &Plan) -> Vec<File> {
    let Some(kustomization) = &plan.kustomization else { return Vec::new() };
    let header = generated(plan);
    let file =
        |name: &str, node: Entries<'_>, header: &str| File::of(name.to_owned(), Format::Yaml, node.into(), header);
    vec![
        file(KUSTOMIZATION, built(plan), &header),
        file(REFERENCES, references(), &header),
        file(APPLIED_BY, applied_by(plan, kustomization), &format!("{header}\n\n{}", beforehand(kustomization))),
    ]
}

fn built(plan: &Plan) -> Entries<'_> {
    let (mut resources, mut maps): (Vec<String>, Vec<Node<'_>>) = (Vec::new(), Vec::new());
    for deployment in &plan.deployments {
        let Some(flux) = &deployment.flux else { continue };
        let mut paths: Vec<String> = emit(plan, deployment, &[]).into_iter().map(|file| file.path).collect();
        paths.sort();
        resources.extend(paths);
        maps.extend(flux.releases.iter().map(|release| generator(deployment, flux, release)));
    }
    let mut root = Entries::default();
    root.put("apiVersion", Node::word("kustomize.config.k8s.io/v1beta1"));
    root.put("kind", Node::word("Kustomization"));
    root.put("resources", Node::Fixed(Output::strings(resources)));
    root.put("configMapGenerator", Node::List(maps));
    root.put("configurations", Node::Fixed(Output::strings([REFERENCES])));
    root
}

/// The values of a release are the file itself. Nothing in it is for Flux to replace.
fn generator<'p>(deployment: &Deployment, flux: &'p Flux, release: &FluxRelease) -> Node<'p> {
    let values = format!("values.yaml={}/helm/{}", deployment.name, release.file);
    let mut entry = Entries::default();
    entry.put("name", Node::word(release.config_map()));
    entry.put("namespace", plain(&flux.namespace));
    entry.put("files", Node::Fixed(Output::strings([values])));
    entry.put("options", Node::Fixed(Output::map([("annotations", annotation("substitute"))])));
    entry.into()
}

fn references() -> Entries<'static> {
    let field =
        Output::map([("path", Output::string("spec/valuesFrom/name")), ("kind", Output::string("HelmRelease"))]);
    let rule = Output::map([
        ("kind", Output::string("ConfigMap")),
        ("version", Output::string("v1")),
        ("fieldSpecs", Output::List(vec![field])),
    ]);
    let mut root = Entries::default();
    root.put("nameReference", Node::Fixed(Output::List(vec![rule])));
    root
}

/// What a person has to know who copies the file.
fn beforehand(kustomization: &Kustomization) -> String {
    let mut lines = vec!["Apply this once, or put it where Flux looks; it is no part of what it applies.".to_owned()];
    if let Some(decryption) = &kustomization.decryption {
        lines.push(format!("{}/ holds the encrypted files, as a kustomize component.", decryption.files));
    }
    if !kustomization.requires.is_empty() {
        lines.push("The cluster has to have beforehand:".to_owned());
    }
    for wanted in &kustomization.requires {
        let crd = if wanted.crd.is_empty() { String::new() } else { format!(" ({})", wanted.crd) };
        lines.push(format!("- {}{crd}", wanted.name));
    }
    lines.join("\n")
}

fn applied_by<'p>(plan: &'p Plan, kustomization: &'p Kustomization) -> Entries<'p> {
    let mut spec = Entries::default();
    spec.put("interval", plain(&kustomization.interval));
    spec.put("retryInterval", plain(&kustomization.retry_interval));
    spec.put("timeout", plain(&kustomization.timeout));
    spec.put("path", Node::word(&*kustomization.path));
    spec.put("prune", plain(&kustomization.prune));
    spec.put("wait", plain(&kustomization.wait));
    let mut source = vec![("kind", Output::string(&*kustomization.source_kind))];
    source.push(("name", Output::string(&*kustomization.source.name)));
    if !kustomization.source.namespace.is_empty() {
        source.push(("namespace", Output::string(&*kustomization.source.namespace)));
    }
    spec.put("sourceRef", Node::Fixed(Output::map(source)));
    spec.unless_empty("dependsOn", Node::List(kustomization.depends_on.iter().map(waits_for).collect()));
    spec.maybe("serviceAccountName", kustomization.service_account.as_ref().map(plain));
    if let Some(decryption) = &kustomization.decryption {
        // from out/ENV up to the project
        debug_assert!(!plan.environment.contains('/'));
        spec.put("components", Node::Fixed(Output::strings([format!("../../{}", decryption.files)])));
        let mut how = Entries::default();
        how.put("provider", Node::word("sops"));
        how.put("secretRef", one("name", plain(&decryption.secret)));
        spec.put("decryption", how);
    }
    let mut metadata = Entries::default();
    metadata.put("name", Node::word(&*kustomization.name));
    metadata.put("namespace", Node::word(&*kustomization.namespace));
    object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", metadata, Some(spec))
}

fn object<'p>(version: &str, kind: &str, metadata: Entries<'p>, spec: Option<Entries<'p>>) -> Entries<'p> {
    let mut root = Entries::default();
    root.put("apiVersion", Node::word(version));
    root.put("kind", Node::word(kind));
    root.put("metadata", metadata);
    root.maybe("spec", spec.map(Node::Map));
    root
}

/// Switches off what Flux would do with an object.
fn annotation(what: &str) -> Output {
    Output::map([(format!("kustomize.toolkit.fluxcd.io/{what}"), Output::string("disabled"))])
}

fn chart_layer() -> Output {
    Output::map([("mediaType", Output::string(CHART_LAYER)), ("operation", Output::string("copy"))])
}

fn source_kind(source: &ChartSource) -> &'static str {
    match source.kind.as_ref() {
        "oci" => "OCIRepository",
        "helm" => "HelmRepository",
        _ => "GitRepository",
    }
}

/// The chart of a release: the artifact itself, or a chart in what the source brings.
fn chart<'p>(release: &'p FluxRelease, source: &'p ChartSource) -> (&'static str, Node<'p>) {
    let mut reference = Entries::default();
    reference.put("kind", Node::word(source_kind(source)));
    reference.put("name", Node::word(&*release.name));
    if source.kind.as_str() == "oci" {
        return ("chartRef", reference.into());
    }
    let mut spec = Entries::default();
    if source.kind.as_str() == "helm" {
        spec.put("chart", Node::word(&*release.chart));
        spec.put("version", Node::word(&*release.version));
    } else {
        let below =
            |folder: String| format!("./{}/{}", folder.trim_start_matches("./").trim_end_matches('/'), release.chart);
        let whole = || Node::word(format!("./{}", release.chart));
        spec.put("chart", source.path.as_ref().map_or_else(whole, |path| at(path, below)));
    }
    spec.put("sourceRef", reference);
    ("chart", one("spec", spec.into()))
}

/// A chart that is committed beside the environment. Its folder has the version, and each commit may bring another.
fn chart_of_project<'p>(release: &FluxRelease, applied_by: &'p Kustomization) -> Node<'p> {
    let source = applied_by.brought_by();
    let mut spec = Entries::default();
    spec.put("chart", Node::word(format!("{}/{}-{}", applied_by.charts, release.chart, release.version)));
    spec.put("reconcileStrategy", Node::word("Revision"));
    let reference = [
        ("kind", Output::string(&*applied_by.source_kind)),
        ("name", Output::string(&*source.name)),
        ("namespace", Output::string(&*source.namespace)),
    ];
    spec.put("sourceRef", Node::Fixed(Output::map(reference)));
    one("spec", spec.into())
}

fn remediated<'p>(flux: &'p Flux, namespace: bool, strategy: Option<&str>) -> Entries<'p> {
    let mut how = Entries::default();
    how.put("retries", plain(&flux.retries));
    how.maybe("strategy", strategy.map(Node::word));
    let mut action = Entries::default();
    if namespace {
        action.put("createNamespace", Node::Fixed(Output::Bool(true)));
    }
    action.put("remediation", how);
    action
}

fn waits_for(named: &Named) -> Node<'static> {
    let mut entry = vec![("name", Output::string(&*named.name))];
    if !named.namespace.is_empty() {
        entry.push(("namespace", Output::string(&*named.namespace)));
    }
    Node::Fixed(Output::map(entry))
}

fn key_of_secret(leaf: &Leaf) -> Node<'_> {
    let output = match &leaf.value {
        Value::Secret(secret) => {
            Output::map([("name", Output::string(&*secret.name)), ("key", Output::string(&*secret.key))])
        }
        other => Output::string(spell(other)),
    };
    Node::of(output, leaf)
}

fn one<'p>(key: &str, node: Node<'p>) -> Node<'p> {
    let mut entries = Entries::default();
    entries.put(key, node);
    entries.into()
}

fn plain(leaf: &Leaf) -> Node<'_> {
    Node::value(leaf, &Words(Addresses::none()))
}

/// A text that is made of a leaf's.
fn at(leaf: &Leaf, made: impl FnOnce(String) -> String) -> Node<'_> {
    Node::of(Output::string(made(spell(&leaf.value))), leaf)
}
