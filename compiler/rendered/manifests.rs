//! Manifests as `helm template` prints them: objects, the templates that they come from, and places in them.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::{
    facts::{self, Facts, Names, Trouble, View},
    plan::{Deployment, Release},
    read::{Data, Node, Unreadable, foreign},
    value::Value,
};

/// What `helm template` writes above each object.
const SOURCE: &str = "# Source: ";

/// Where something stands in manifests.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spot {
    /// The template, `app/templates/workloads.yaml`; empty where the text does not say it.
    pub template: String,
    /// The object, `Deployment/shop-api`.
    pub object: String,
    /// The path within the object, `spec.template.spec.containers[0].image`; empty for the whole object.
    pub path: String,
    /// The line of the rendered text, counted from 1.
    pub line: u32,
}

/// Manifests that were read.
pub(super) struct Manifests {
    documents: Vec<Node<'static>>,
    /// Lines that name a template, and the template.
    templates: Vec<(u32, String)>,
}

impl Manifests {
    /// Reads rendered text.
    ///
    /// # Errors
    /// It is no YAML.
    pub(super) fn read(text: &str) -> Result<Manifests, Unreadable> {
        let lines = (1_u32..).zip(text.lines());
        let named = lines.filter_map(|(number, line)| Some((number, line.strip_prefix(SOURCE)?.trim().to_owned())));
        Ok(Manifests { documents: foreign::documents(text)?, templates: named.collect() })
    }

    /// The facts of the objects, by the workloads that the deployment runs.
    pub(super) fn facts(&self, deployment: &Deployment) -> (Facts, Vec<Trouble>) {
        let called = self.called(deployment);
        facts::of_manifests_among(&self.documents, &called, &outside(deployment))
    }

    /// The objects that are called like a workload's host, or so with a digest behind, as a job that is made anew is.
    fn called(&self, deployment: &Deployment) -> BTreeMap<SmolStr, SmolStr> {
        let hosts = hosts(deployment);
        let mut called = BTreeMap::new();
        for name in self.objects().filter_map(|object| object.at(&["metadata", "name"])?.as_str()) {
            let plain = name.rsplit_once('-').filter(|(_, last)| is_digest(last)).map(|(before, _)| before);
            let found = hosts.get(name).or_else(|| hosts.get(plain?));
            if let Some(workload) = found {
                called.insert(name.into(), workload.clone());
            }
        }
        called
    }

    /// The lines of variables whose value is no text, which Kubernetes refuses.
    pub(super) fn mistyped(&self) -> BTreeSet<u32> {
        let mut lines = BTreeSet::new();
        self.documents.iter().for_each(|document| mistyped(document, 0, &mut lines));
        lines
    }

    fn objects(&self) -> impl Iterator<Item = &Node<'static>> {
        self.documents.iter().flat_map(|document| match document.get("items") {
            Some(items) if document.get("metadata").and_then(|meta| meta.get("name")).is_none() => items.items(),
            _ => std::slice::from_ref(document),
        })
    }

    /// Where a line stands.
    pub(super) fn spot(&self, line: u32) -> Spot {
        let template = self.templates.iter().rev().find(|(at, _)| *at <= line);
        let template = template.map(|(_, template)| template.clone()).unwrap_or_default();
        let object = self.objects().filter(|object| object.line <= line).last();
        let Some(object) = object else { return Spot { template, line, ..Spot::default() } };
        let text = |path: &[&str]| object.at(path).and_then(Node::as_str).unwrap_or_default();
        let mut path = String::new();
        if object.line < line {
            descend(object, line, &mut path);
        }
        Spot { template, object: format!("{}/{}", text(&["kind"]), text(&["metadata", "name"])), path, line }
    }
}

/// Deeper than any pod in any object of Kubernetes.
const DEEPEST: usize = 64;

fn mistyped(node: &Node<'_>, depth: usize, lines: &mut BTreeSet<u32>) {
    if depth > DEEPEST {
        return;
    }
    let is_text = |node: &Node<'_>| matches!(node.data, Data::String(_) | Data::Null);
    for item in node.get("env").map_or(&[][..], Node::items) {
        if item.get("name").is_some() && item.get("value").is_some_and(|value| !is_text(value)) {
            lines.insert(item.line);
        }
    }
    node.items().iter().for_each(|inner| mistyped(inner, depth + 1, lines));
    node.entries().iter().for_each(|(_, inner)| mistyped(inner, depth + 1, lines));
}

/// The hosts of the deployment's workloads.
fn hosts(deployment: &Deployment) -> BTreeMap<SmolStr, SmolStr> {
    let runs = |name: &SmolStr| deployment.cluster.iter().any(|workload| workload.name == *name);
    let named = deployment.helm.iter().flat_map(|release| &release.names).filter(|(name, _)| runs(name));
    named
        .filter_map(|(name, leaf)| match &leaf.value {
            Value::String(host) => Some((host.clone(), name.clone())),
            _ => None,
        })
        .collect()
}

/// What lies outside the cluster: endpoints that no workload is behind.
fn outside(deployment: &Deployment) -> Names {
    let mut names = Names::none(View::Kubernetes);
    for release in &deployment.helm {
        add_outside(release, deployment, &mut names);
    }
    names
}

fn add_outside(release: &Release, deployment: &Deployment, names: &mut Names) {
    let runs = |name: &SmolStr| deployment.cluster.iter().any(|workload| workload.name == *name);
    for (endpoint, leaf) in release.names.iter().filter(|(name, _)| !runs(name)) {
        if let Value::String(host) = &leaf.value {
            names.host(endpoint, host);
        }
    }
    for ((endpoint, port), number) in release.ports.iter().filter(|((name, _), _)| !runs(name)) {
        names.port(endpoint, port, *number);
    }
}

/// Whether the end of a name is a digest or a time, which change with what they are about.
fn is_digest(text: &str) -> bool {
    text.len() >= 6
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The path to the innermost value that begins on a line, or is the last to begin before it.
fn descend(node: &Node<'_>, line: u32, path: &mut String) {
    let next = match &node.data {
        Data::Map(entries) => {
            let found = entries.iter().filter(|(_, inner)| inner.line <= line).max_by_key(|(_, inner)| inner.line);
            found.map(|(key, inner)| (format!("{}{key}", if path.is_empty() { "" } else { "." }), inner))
        }
        Data::List(items) => {
            let found = items.iter().enumerate().filter(|(_, inner)| inner.line <= line).max_by_key(|(_, it)| it.line);
            found.map(|(number, inner)| (format!("[{number}]"), inner))
        }
        _ => None,
    };
    let Some((step, inner)) = next else { return };
    // What begins on this very line and holds more is meant as a whole.
    path.push_str(&step);
    if inner.line < line {
        descend(inner, line, path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\n# Source: app/templates/a.yaml\nkind: Service\nmetadata:\n  name: x\n---\n# Source: app/templates/b.yaml\nkind: Deployment\nmetadata:\n  name: shop-api\nspec:\n  replicas: 2\n  list:\n    - name: one\n    - name: two\n      image: b\n";

    #[test]
    fn a_line_has_a_template_an_object_and_a_path() {
        let manifests = Manifests::read(TEXT).expect("YAML");
        let told = |line| {
            let spot = manifests.spot(line);
            format!("{} {} {}", spot.template, spot.object, spot.path)
        };
        assert_eq!(told(3), "app/templates/a.yaml Service/x ");
        assert_eq!(told(5), "app/templates/a.yaml Service/x metadata.name");
        assert_eq!(told(12), "app/templates/b.yaml Deployment/shop-api spec.replicas");
        assert_eq!(told(16), "app/templates/b.yaml Deployment/shop-api spec.list[1].image");
        assert_eq!(told(0).trim(), "");
    }

    #[test]
    fn a_variable_that_is_no_text_is_noticed() {
        let text = "spec:\n  containers:\n  - env:\n    - name: A\n      value: 1\n    - name: B\n      value: '1'\n    - name: C\n      value: true\n    - name: D\n";
        let lines = Manifests::read(text).expect("YAML").mistyped();
        assert_eq!(lines.into_iter().collect::<Vec<_>>(), [4, 8]);
    }

    #[test]
    fn digests_are_told_from_words() {
        for (text, is) in [("1a2b3c4d", true), ("1700000000", true), ("facade", false), ("db", false), ("v1", false)] {
            assert_eq!(is_digest(text), is, "{text}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_said() {
        assert!(Manifests::read("a: [").is_err());
        assert_eq!(Manifests::read("").expect("nothing").spot(3).object, "");
    }
}
