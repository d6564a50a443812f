//! The files for Flux against the plan, and their names against each other.

use std::collections::{BTreeMap, BTreeSet};

use super::Printed;
use crate::{
    diag::{Diags, Finding, codes},
    expr::Evaluated,
    model::Env,
    plan::{ChartSource, Deployment, ExternalSecret, Flux, FluxRelease, Kustomization, Leaf, Named, Plan},
    read::{Data, Node},
    source::Span,
    targets::File,
    value::{self, Attributes, Piece, Raw, SecretRef, Value},
};

/// Reports what the files for Flux say otherwise than planned, and names that lead nowhere.
pub(super) fn check(env: &Env, plan: &Plan, printed: &[Printed<'_>], diags: &mut Diags) {
    let Some(kustomization) = &plan.kustomization else { return };
    let files = Files { printed, applied_by: kustomization, at: kustomization.interval.at };
    let mut found = Vec::new();
    files.applied(&mut found);
    let maps = files.built(plan, &mut found);
    let known = references(env);
    for deployment in &plan.deployments {
        let Some(flux) = &deployment.flux else { continue };
        for release in &flux.releases {
            files.release(deployment, flux, release, &maps, &mut found);
        }
        for secret in &flux.secrets {
            files.secret(deployment, flux, secret, &mut found);
        }
        fetched(flux, &known, &mut found);
    }
    found.into_iter().for_each(|finding| diags.push(finding));
}

/// The `ConfigMap`s that are made: namespace and name.
type Maps = BTreeSet<(String, String)>;

struct Files<'a> {
    printed: &'a [Printed<'a>],
    /// What applies all of them.
    applied_by: &'a Kustomization,
    /// Where the environment speaks of Flux.
    at: Span,
}

/// A value that has to stand under a key.
struct Wanted<'w>(&'w [&'w str], Value);

impl<'a> Files<'a> {
    fn find(&self, path: &str) -> Option<(&'a File, &'a Node<'a>)> {
        let found = self.printed.iter().find(|printed| printed.file.path == path)?;
        Some((found.file, found.tree.as_ref()?))
    }

    /// The file, or that it is not there.
    fn wanted(&self, path: &str, found: &mut Vec<Finding>) -> Option<(&'a File, &'a Node<'a>)> {
        let file = self.find(path);
        if file.is_none() {
            found.push(codes::FLUX_DANGLING.at(self.at, format!("there is no file `{path}`")));
        }
        file
    }

    /// Compares the values of a file with what they have to be.
    fn compare(&self, (file, tree): (&File, &Node<'_>), wanted: &[Wanted<'_>], found: &mut Vec<Finding>) {
        for Wanted(path, value) in wanted {
            let node = tree.at(path);
            if node.is_some_and(|node| says(node, value)) {
                continue;
            }
            let (place, is) = match node {
                Some(node) => (format!("line {} of `{}`", node.line, file.path), format!("is {}", shown(node))),
                None => (format!("`{}`", file.path), "is not said".to_owned()),
            };
            let message = format!("{place}: `{}` {is}, wanted {}", path.join("."), super::spell(value));
            found.push(codes::FLUX_DIFFERS.at(self.at, message));
        }
    }

    fn applied(&self, found: &mut Vec<Finding>) {
        let kustomization = self.applied_by;
        let Some(file) = self.wanted("flux-kustomization.yaml", found) else { return };
        let text = |text: &str| Value::string(text);
        let mut wanted = vec![
            Wanted(&["kind"], text("Kustomization")),
            Wanted(&["metadata", "name"], text(&kustomization.name)),
            Wanted(&["metadata", "namespace"], text(&kustomization.namespace)),
            Wanted(&["spec", "interval"], kustomization.interval.value.clone()),
            Wanted(&["spec", "retryInterval"], kustomization.retry_interval.value.clone()),
            Wanted(&["spec", "timeout"], kustomization.timeout.value.clone()),
            Wanted(&["spec", "path"], text(&kustomization.path)),
            Wanted(&["spec", "prune"], kustomization.prune.value.clone()),
            Wanted(&["spec", "wait"], kustomization.wait.value.clone()),
            Wanted(&["spec", "sourceRef", "kind"], text(&kustomization.source_kind)),
            Wanted(&["spec", "sourceRef", "name"], text(&kustomization.source.name)),
        ];
        if let Some(decryption) = &kustomization.decryption {
            wanted.push(Wanted(&["spec", "decryption", "provider"], text("sops")));
            wanted.push(Wanted(&["spec", "decryption", "secretRef", "name"], decryption.secret.value.clone()));
        }
        self.compare(file, &wanted, found);
        self.waits(file, &kustomization.depends_on, found);
    }

    /// What is built: all files of all deployments, each once, and one `ConfigMap` for each release.
    fn built(&self, plan: &Plan, found: &mut Vec<Finding>) -> Maps {
        let Some((file, tree)) = self.wanted("kustomization.yaml", found) else { return Maps::new() };
        let listed: Vec<&str> =
            tree.get("resources").map_or(&[][..], Node::items).iter().filter_map(Node::as_str).collect();
        let there = self.printed.iter().map(|printed| printed.file.path.as_str());
        let there: BTreeSet<&str> = there.filter(|path| path.split('/').nth(1) == Some("flux")).collect();
        let once: BTreeSet<&str> = listed.iter().copied().collect();
        for path in once.symmetric_difference(&there) {
            let message = match there.contains(path) {
                true => format!("`{}` does not list `{path}`", file.path),
                false => format!("`{}` lists `{path}`, which is not there", file.path),
            };
            found.push(codes::FLUX_DANGLING.at(self.at, message));
        }
        if once.len() != listed.len() {
            found.push(codes::FLUX_DANGLING.at(self.at, format!("`{}` lists a file twice", file.path)));
        }
        self.objects_once(&there, found);
        self.maps(plan, (file, tree), found)
    }

    fn maps(&self, plan: &Plan, (file, tree): (&File, &Node<'_>), found: &mut Vec<Finding>) -> Maps {
        let mut maps = Maps::new();
        let mut sources: BTreeSet<String> = BTreeSet::new();
        for map in tree.get("configMapGenerator").map_or(&[][..], Node::items) {
            let text = |key: &str| map.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
            let files = map.get("files").map_or(&[][..], Node::items);
            sources.extend(files.iter().filter_map(Node::as_str).map(str::to_owned));
            if !maps.insert((text("namespace"), text("name"))) {
                let message = format!("line {} of `{}`: `{}` is made twice", map.line, file.path, text("name"));
                found.push(codes::FLUX_DANGLING.at(self.at, message));
            }
            let switched = ["options", "annotations", "kustomize.toolkit.fluxcd.io/substitute"];
            self.compare((file, map), &[Wanted(&switched, Value::string("disabled"))], found);
        }
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for deployment in &plan.deployments {
            for release in deployment.flux.iter().flat_map(|flux| &flux.releases) {
                let values = format!("{}/helm/{}", deployment.name, release.file);
                self.wanted(&values, found);
                wanted.insert(format!("values.yaml={values}"));
            }
        }
        for values in wanted.symmetric_difference(&sources) {
            let message = match wanted.contains(values) {
                true => format!("`{}` makes no `ConfigMap` of `{values}`", file.path),
                false => format!("`{}` makes a `ConfigMap` of `{values}`, which is no file of values", file.path),
            };
            found.push(codes::FLUX_DANGLING.at(self.at, message));
        }
        maps
    }

    /// No two objects are of one kind, namespace and name.
    fn objects_once(&self, there: &BTreeSet<&str>, found: &mut Vec<Finding>) {
        let mut objects: BTreeMap<[String; 4], &str> = BTreeMap::new();
        for path in there {
            let Some((file, tree)) = self.find(path) else { continue };
            let text = |path: &[&str]| tree.at(path).and_then(Node::as_str).unwrap_or_default().to_owned();
            let group = text(&["apiVersion"]).rsplit_once('/').map_or_else(String::new, |(group, _)| group.to_owned());
            let [kind, name] = [text(&["kind"]), text(&["metadata", "name"])];
            if kind.is_empty() || name.is_empty() || tree.get("apiVersion").is_none() {
                let message = format!("`{path}` is no object: it lacks `apiVersion`, `kind` or `metadata.name`");
                found.push(codes::FLUX_DANGLING.at(said_at(file).unwrap_or(self.at), message));
            } else if let Some(first) =
                objects.insert([group, kind.clone(), text(&["metadata", "namespace"]), name.clone()], path)
            {
                let message = format!("`{path}` and `{first}` both hold the {kind} `{name}`");
                found.push(codes::FLUX_NAME.at(said_at(file).unwrap_or(self.at), message));
            }
        }
    }

    fn release(
        &self,
        deployment: &Deployment,
        flux: &Flux,
        release: &FluxRelease,
        maps: &Maps,
        found: &mut Vec<Finding>,
    ) {
        let path = |what: &str| format!("{}/flux/{what}-{}.yaml", deployment.name, release.release);
        let Some(file) = self.wanted(&path("release"), found) else { return };
        let name = Value::String(release.name.clone());
        let wanted = [
            Wanted(&["kind"], Value::string("HelmRelease")),
            Wanted(&["metadata", "namespace"], flux.namespace.value.clone()),
            Wanted(&["spec", "releaseName"], name),
            Wanted(&["spec", "targetNamespace"], flux.namespace.value.clone()),
            Wanted(&["spec", "interval"], flux.interval.value.clone()),
            Wanted(&["spec", "timeout"], flux.timeout.value.clone()),
            Wanted(&["spec", "install", "remediation", "retries"], flux.retries.value.clone()),
            Wanted(&["spec", "upgrade", "remediation", "retries"], flux.retries.value.clone()),
            Wanted(&["spec", "driftDetection", "mode"], flux.drift.value.clone()),
        ];
        self.compare(file, &wanted, found);
        let optional: [(&[&str], &Option<Leaf>); 2] = [
            (&["spec", "serviceAccountName"], &flux.service_account),
            (&["spec", "kubeConfig", "secretRef"], &flux.kube_config),
        ];
        for (path, leaf) in optional {
            self.maybe(file, path, leaf.as_ref(), found);
        }
        self.waits(file, &release.depends_on, found);
        self.values(file, &flux.namespace(), maps, found);
        match &release.source {
            Some(source) => self.chart(file, &path("source"), (release, source), found),
            None => self.chart_of_project(file, release, found),
        }
    }

    fn maybe(&self, file: (&File, &Node<'_>), path: &[&str], leaf: Option<&Leaf>, found: &mut Vec<Finding>) {
        match leaf {
            Some(leaf) => self.compare(file, &[Wanted(path, leaf.value.clone())], found),
            None if file.1.at(path).is_some() => {
                let message = format!("`{}`: `{}` is said, and nobody said it", file.0.path, path.join("."));
                found.push(codes::FLUX_DIFFERS.at(self.at, message));
            }
            None => {}
        }
    }

    /// The values come from one `ConfigMap`, which is made in the namespace of the release.
    fn values(&self, (file, tree): (&File, &Node<'_>), namespace: &str, maps: &Maps, found: &mut Vec<Finding>) {
        let from = tree.at(&["spec", "valuesFrom"]).map_or(&[][..], Node::items);
        let is_made = |item: &&Node<'_>| {
            let name = item.get("name").and_then(Node::as_str).unwrap_or_default();
            maps.contains(&(namespace.to_owned(), name.to_owned()))
        };
        if from.len() != 1 || from.iter().filter(is_made).count() != 1 {
            let line = from.first().map_or(tree.line, |node| node.line);
            let message = format!("line {line} of `{}`: the values come from no `ConfigMap` that is made", file.path);
            found.push(codes::FLUX_DANGLING.at(self.at, message));
        }
        if tree.at(&["spec", "values"]).is_some() {
            let message = format!("`{}` says values a second time", file.path);
            found.push(codes::FLUX_DIFFERS.at(self.at, message));
        }
    }

    /// The release installs the pinned chart, from a source that is there.
    fn chart(
        &self,
        file: (&File, &Node<'_>),
        path: &str,
        (release, from): (&FluxRelease, &ChartSource),
        found: &mut Vec<Finding>,
    ) {
        let Some((source_file, source)) = self.wanted(path, found) else { return };
        let (at, kind) = match from.kind.as_ref() {
            "oci" => (&["spec", "chartRef"][..], "OCIRepository"),
            "helm" => (&["spec", "chart", "spec", "sourceRef"][..], "HelmRepository"),
            _ => (&["spec", "chart", "spec", "sourceRef"][..], "GitRepository"),
        };
        let reference = file.1.at(at);
        let named = |key: &str| reference.and_then(|node| node.get(key)).and_then(Node::as_str);
        let there = [source.get("kind"), source.at(&["metadata", "name"])].map(|node| node.and_then(Node::as_str));
        if [named("kind"), named("name")] != there || named("kind") != Some(kind) {
            let message = format!("`{}` takes its chart from no source that is there", file.0.path);
            found.push(codes::FLUX_DANGLING.at(self.at, message));
        }
        let url = value::spell(&from.url.value);
        let folder = from.path.as_ref().map(|leaf| value::spell(&leaf.value)).unwrap_or_default();
        let word = |leaf: &Option<Leaf>| leaf.as_ref().map(|leaf| leaf.value.clone());
        match kind {
            "OCIRepository" => {
                let url = Value::string(format!("{}/{}", url.trim_end_matches('/'), release.chart));
                let tag = Value::string(release.version.replace('+', "_"));
                let wanted = [Wanted(&["spec", "url"], url), Wanted(&["spec", "ref", "tag"], tag)];
                self.compare((source_file, source), &wanted, found);
            }
            "HelmRepository" => {
                self.compare((source_file, source), &[Wanted(&["spec", "url"], Value::string(url))], found);
                let wanted = [
                    Wanted(&["spec", "chart", "spec", "chart"], Value::String(release.chart.clone())),
                    Wanted(&["spec", "chart", "spec", "version"], Value::String(release.version.clone())),
                ];
                self.compare(file, &wanted, found);
            }
            _ => {
                let mut wanted = vec![Wanted(&["spec", "url"], Value::string(url))];
                wanted.extend(word(&from.tag).map(|tag| Wanted(&["spec", "ref", "tag"], tag)));
                wanted.extend(word(&from.commit).map(|commit| Wanted(&["spec", "ref", "commit"], commit)));
                self.compare((source_file, source), &wanted, found);
                let steps = folder.split('/').filter(|step| !step.is_empty() && *step != ".");
                let chart: Vec<&str> = ["."].into_iter().chain(steps).chain([release.chart.as_ref()]).collect();
                let wanted = [Wanted(&["spec", "chart", "spec", "chart"], Value::string(chart.join("/")))];
                self.compare(file, &wanted, found);
            }
        }
    }

    /// The release installs the chart of the project in its version, from what brings the project.
    fn chart_of_project(&self, file: (&File, &Node<'_>), release: &FluxRelease, found: &mut Vec<Finding>) {
        let applied_by = self.applied_by;
        let source = applied_by.brought_by();
        let chart = format!("{}/{}-{}", applied_by.charts, release.chart, release.version);
        let wanted = [
            Wanted(&["spec", "chart", "spec", "chart"], Value::string(chart)),
            Wanted(&["spec", "chart", "spec", "reconcileStrategy"], Value::string("Revision")),
            Wanted(&["spec", "chart", "spec", "sourceRef", "kind"], Value::String(applied_by.source_kind.clone())),
            Wanted(&["spec", "chart", "spec", "sourceRef", "name"], Value::String(source.name)),
            Wanted(&["spec", "chart", "spec", "sourceRef", "namespace"], Value::String(source.namespace)),
        ];
        self.compare(file, &wanted, found);
    }

    fn waits(&self, (file, tree): (&File, &Node<'_>), wanted: &[Named], found: &mut Vec<Finding>) {
        let said = tree.at(&["spec", "dependsOn"]).map_or(&[][..], Node::items).iter().map(|item| {
            let text = |key: &str| item.get(key).and_then(Node::as_str).unwrap_or_default();
            Named { namespace: text("namespace").into(), name: text("name").into() }
        });
        if !said.eq(wanted.iter().cloned()) {
            let message = format!("`{}`: `spec.dependsOn` does not say what it waits for", file.path);
            found.push(codes::FLUX_DIFFERS.at(self.at, message));
        }
    }

    fn secret(&self, deployment: &Deployment, flux: &Flux, secret: &ExternalSecret, found: &mut Vec<Finding>) {
        let Some(file) = self.wanted(&format!("{}/flux/external-secret-{}.yaml", deployment.name, secret.name), found)
        else {
            return;
        };
        let wanted = [
            Wanted(&["kind"], Value::string("ExternalSecret")),
            Wanted(&["metadata", "namespace"], flux.namespace.value.clone()),
            Wanted(&["spec", "target", "name"], Value::String(secret.name.clone())),
            Wanted(&["spec", "secretStoreRef", "name"], secret.store.value.clone()),
            Wanted(&["spec", "secretStoreRef", "kind"], secret.kind.value.clone()),
            Wanted(&["spec", "refreshInterval"], secret.refresh.value.clone()),
        ];
        self.compare(file, &wanted, found);
        type Row = (String, String, Option<String>);
        let said: BTreeSet<Row> = file.1.at(&["spec", "data"]).map_or(&[][..], Node::items).iter().map(row).collect();
        let wanted: BTreeSet<Row> = secret
            .keys
            .iter()
            .filter_map(|fetched| match &fetched.key.value {
                Value::Secret(reference) => {
                    let property = fetched.property.as_ref().map(ToString::to_string);
                    Some((reference.key.to_string(), fetched.entry.to_string(), property))
                }
                _ => None,
            })
            .collect();
        for (key, entry, _) in said.symmetric_difference(&wanted) {
            let message =
                format!("`{}`: `{}/{key}` is not fetched from `{entry}` as planned", file.0.path, secret.name);
            found.push(codes::SECRET_FETCHED.at(secret.store.at, message));
        }
    }
}

/// A key of a fetched secret: its name, the entry and the property in the store.
fn row(item: &Node<'_>) -> (String, String, Option<String>) {
    let text = |path: &[&str]| item.at(path).and_then(Node::as_str).map(str::to_owned);
    let (key, entry) = (text(&["secretKey"]), text(&["remoteRef", "key"]));
    (key.unwrap_or_default(), entry.unwrap_or_default(), text(&["remoteRef", "property"]))
}

/// Every secret that a setting refers to in Helm's view, or that is asked for.
fn references(env: &Env) -> BTreeSet<SecretRef> {
    let mut known = BTreeSet::new();
    for deployed in &env.deployments {
        let view = deployed.view("helm");
        for slot in view.flat.iter().flatten().chain(view.deep.values()) {
            if let Evaluated::Value(value) = &slot.value {
                secrets_of(value, &mut known);
            }
        }
        if let Some((value, _)) = deployed.flux.said.get("secrets.also") {
            secrets_of(value, &mut known);
        }
    }
    known
}

/// Everything that is fetched is referred to.
fn fetched(flux: &Flux, known: &BTreeSet<SecretRef>, found: &mut Vec<Finding>) {
    for fetched in flux.secrets.iter().flat_map(|secret| &secret.keys) {
        if let Value::Secret(reference) = &fetched.key.value
            && !known.contains(reference)
        {
            let message = format!("`{}/{}` is fetched, and nothing refers to it", reference.name, reference.key);
            found.push(codes::SECRET_FETCHED.at(fetched.key.at, message));
        }
    }
}

fn secrets_of(value: &Value, known: &mut BTreeSet<SecretRef>) {
    match value {
        Value::Secret(secret) => {
            known.insert(secret.clone());
        }
        Value::Text(pieces) => known.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Secret(secret) => Some(secret.clone()),
            _ => None,
        })),
        Value::List(items) => items.iter().for_each(|item| secrets_of(item, known)),
        Value::Map(entries) => entries.values().for_each(|item| secrets_of(item, known)),
        _ => {}
    }
}

/// Whether what was read is this value: text in the value's own type, so that `60s` is `1m`.
fn says(node: &Node<'_>, wanted: &Value) -> bool {
    match (&node.data, wanted) {
        (Data::Bool(found), Value::Bool(wanted)) => found == wanted,
        (Data::Int(found), Value::Int(wanted)) => found == wanted,
        (Data::String(found), Value::Duration(_)) => {
            let of = value::scalar("duration");
            let parsed = of.and_then(|of| value::parse(of, &Raw::String(found), &Attributes::default()).ok());
            parsed.as_ref() == Some(wanted)
        }
        (Data::String(found), Value::String(wanted)) => found == wanted.as_str(),
        (Data::Map(_), Value::Secret(wanted)) => {
            let text = |key: &str| node.get(key).and_then(Node::as_str);
            [text("name"), text("key")] == [Some(wanted.name.as_ref()), Some(wanted.key.as_ref())]
        }
        _ => false,
    }
}

fn shown(node: &Node<'_>) -> String {
    match &node.data {
        Data::String(text) => format!("`{text}`"),
        Data::Int(number) => format!("`{number}`"),
        Data::Bool(value) => format!("`{value}`"),
        _ => "something else".to_owned(),
    }
}

/// Where the first value of a file was said.
fn said_at(file: &File) -> Option<Span> {
    file.leaves.iter().next().map(|leaf| leaf.at())
}

#[cfg(test)]
mod tests;
