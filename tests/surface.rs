//! The shipped surfaces against what was measured of the charts: keys that their templates name, and values that reach
//! no manifest. What differs is explained here, or it fails.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use trueline::{
    diag::Diags,
    ledger::{self, FactCell},
    read::{Node, foreign},
    schema::{KeyShape, Stack, Surface},
};

use super::{
    cli::Project,
    support::{library, root, skipped},
};

/// A chart that the stack has a surface of, with what was measured of it.
struct Chart {
    name: &'static str,
    version: &'static str,
    /// The folder of the upstream data.
    folder: &'static str,
    /// Subcharts with such data, and the key that each stands below.
    subcharts: &'static [(&'static str, &'static str)],
    /// Keys on the surface that the measured lists do not have, and why; a path stands for all below it.
    more: &'static [(&'static str, &'static str)],
    /// Keys in the measured lists that the surface does not say alike, and why.
    less: &'static [(&'static str, &'static str)],
    /// Whether dead values were measured; else they are those that the chart has and no template names.
    measured: bool,
}

const VARIABLE: &str = "read through a variable, `$values`, which the list does not follow";
const CONDITION: &str = "the condition of the dependency, which Helm reads and no template";
const GLOBAL: &str = "Helm hands the `global` of the chart to its subcharts; it stands at the top";
const UNUSED: &str = "the values of a subchart that this stack does not use, handed on whole";

const CHARTS: &[Chart] = &[
    Chart {
        name: "aeterna",
        version: "0.1.0",
        folder: "aeterna-chart-0.1.0",
        subcharts: &[
            ("cloudnative-pg-0.23", "cnpg"),
            ("dragonfly-1", "dragonfly"),
            ("qdrant-0.10", "qdrant"),
            ("valkey", "valkey"),
        ],
        more: &[
            ("cnpg.enabled", CONDITION),
            ("dragonfly.enabled", CONDITION),
            ("qdrant.enabled", CONDITION),
            ("valkey.enabled", CONDITION),
            ("qdrant.readinessProbe", VARIABLE),
            ("qdrant.livenessProbe", VARIABLE),
            ("qdrant.startupProbe", VARIABLE),
            ("weaviate", UNUSED),
            ("mongodb", UNUSED),
        ],
        less: &[
            ("valkey.global", GLOBAL),
            ("postgresql.cloudnativepg.backup.endpointURL", "named only in the branch for S3, which fails to render"),
        ],
        measured: true,
    },
    Chart {
        name: "aeterna",
        version: "0.8.0-rc.12",
        folder: "aeterna-chart-0.8",
        subcharts: &[],
        more: &[],
        less: &[("vault.aeternaServiceAccount", "named, and no manifest changes with it: it was measured to be dead")],
        measured: true,
    },
    Chart {
        name: "aeterna-prereqs",
        version: "0.8.0-rc.12",
        folder: "aeterna-prereqs-chart-0.8",
        subcharts: &[("dragonfly-1", "dragonfly"), ("qdrant-0.10", "qdrant"), ("valkey", "valkey")],
        more: &[
            ("qdrant.readinessProbe", VARIABLE),
            ("qdrant.livenessProbe", VARIABLE),
            ("qdrant.startupProbe", VARIABLE),
            ("openbao.global", UNUSED),
            ("openbao.injector", UNUSED),
            ("openbao.csi", UNUSED),
            ("openbao.server", UNUSED),
        ],
        less: &[("valkey.global", GLOBAL)],
        measured: false,
    },
];

/// A path that templates name; `whole` if what lies below it is read too.
struct Named {
    path: String,
    whole: bool,
}

impl Named {
    /// Whether a value at this path is read.
    fn reads(&self, path: &str) -> bool {
        self.path == path || (self.whole && is_below(path, &self.path))
    }
}

const ABSENT: &str = "the upstream data is not beside the repository";

fn data() -> Option<PathBuf> {
    let folder = root().join("../shared/reference/data");
    folder.is_dir().then_some(folder)
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn lines(file: &Path) -> Vec<String> {
    text(file).lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

impl Chart {
    fn named(&self, folder: &Path) -> Vec<Named> {
        let mut all = Vec::new();
        let mut read = |file: PathBuf, prefix: &str| {
            for line in lines(&file) {
                let whole = line.strip_suffix(".**");
                all.push(Named { path: format!("{prefix}{}", whole.unwrap_or(&line)), whole: whole.is_some() });
            }
        };
        read(folder.join(self.folder).join("read-keys.txt"), "");
        for (subchart, alias) in self.subcharts {
            read(folder.join("subcharts").join(subchart).join("read-keys.txt"), &format!("{alias}."));
        }
        all
    }

    fn surface(&self) -> Arc<Surface> {
        let stack = stack();
        let mut releases = stack.helm.iter().flat_map(|block| &block.releases);
        let release = releases.find(|release| *release.chart == *self.name && *release.version == *self.version);
        stack.surface(release.expect("a release of this chart")).expect("its release has a surface")
    }

    /// Values that reach no manifest.
    fn dead(&self, folder: &Path) -> Vec<String> {
        if self.measured {
            return lines(&folder.join(self.folder).join("dead-keys.txt"));
        }
        let values = text(&folder.join(self.folder).join("values.yaml"));
        let values = foreign::documents(&values).expect("the chart's values are YAML");
        let mut leaves = Vec::new();
        values.iter().for_each(|document| each_leaf(document, "", &mut leaves));
        let named = self.named(folder);
        let read = |path: &String| {
            named.iter().any(|named| named.reads(path)) || self.more.iter().any(|(above, _)| is_below(path, above))
        };
        // The switch of the one subchart that this stack does not use is a condition too.
        leaves.retain(|path| !read(path) && path != "openbao.enabled");
        leaves
    }

    fn explained(
        path: &str,
        table: &'static [(&'static str, &'static str)],
        used: &mut BTreeSet<&'static str>,
    ) -> bool {
        match table.iter().find(|(above, _)| is_below(path, above)) {
            Some((above, _)) => {
                used.insert(above);
                true
            }
            None => false,
        }
    }

    /// What templates name and the surface does not say, and the reverse.
    fn unexplained(&self, folder: &Path) -> Vec<String> {
        let (surface, named) = (self.surface(), self.named(folder));
        let (mut unexplained, mut used) = (Vec::new(), BTreeSet::new());
        let name = format!("{} {}", self.name, self.version);
        for Named { path, .. } in &named {
            let dead = at(&surface, path).map(|number| matches!(surface.key(number).shape, KeyShape::Dead(_)));
            if dead != Some(false) && !Chart::explained(path, self.less, &mut used) {
                let said = if dead.is_none() { "does not" } else { "calls it dead" };
                unexplained.push(format!("{name}: templates name `{path}`, and the surface {said}"));
            }
        }
        for (number, key) in surface.keys.iter().enumerate().skip(1) {
            let path = surface.path_of(number as u32);
            let dead = matches!(key.shape, KeyShape::Dead(_));
            let group = matches!(key.shape, KeyShape::Group);
            let is_named = named.iter().any(|named| named.reads(&path) || (group && is_below(&named.path, &path)));
            let is_dead = |child: &u32| matches!(surface.key(*child).shape, KeyShape::Dead(_));
            let traps = group && key.children.values().all(is_dead);
            if !dead
                && !traps
                && !is_named
                && !Chart::explained(&path, self.more, &mut used)
                && key.name.as_ref() != "*"
            {
                unexplained.push(format!("{name}: the surface has `{path}`, and no template names it"));
            }
        }
        for (path, reason) in self.more.iter().chain(self.less) {
            assert!(used.contains(path) && reason.len() > 20, "{name}: nothing needs the explanation of `{path}`");
        }
        unexplained
    }

    /// Dead values that the surface does not call dead, and the reverse.
    fn misjudged(&self, folder: &Path) -> Vec<String> {
        let (surface, dead) = (self.surface(), self.dead(folder));
        assert!(!dead.is_empty(), "{} {}: something is dead in every one of these charts", self.name, self.version);
        let mut wrong = Vec::new();
        for path in &dead {
            let found = at(&surface, path).map(|number| &surface.key(number).shape);
            if !matches!(found, Some(KeyShape::Dead(_))) {
                wrong.push(format!("`{path}` reaches no manifest, and the surface does not call it dead"));
            }
        }
        for (number, _) in surface.keys.iter().enumerate().filter(|(_, key)| matches!(key.shape, KeyShape::Dead(_))) {
            let path = surface.path_of(number as u32);
            if !dead.iter().any(|leaf| is_below(leaf, &path)) {
                wrong.push(format!(
                    "the surface calls `{path}` dead, and changing it was not measured to change nothing"
                ));
            }
        }
        wrong
    }
}

/// The paths of the leaves of a chart's values.
fn each_leaf(node: &Node<'_>, path: &str, leaves: &mut Vec<String>) {
    if node.entries().is_empty() && !path.is_empty() {
        leaves.push(path.to_owned());
    }
    for (name, below) in node.entries() {
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        each_leaf(below, &path, leaves);
    }
}

fn stack() -> Arc<Stack> {
    library().stack("aeterna", &mut Diags::default()).expect("the stack loads")
}

/// The key at a path, as far as it is known by name: what is handed on whole answers for everything below it.
fn at(surface: &Surface, path: &str) -> Option<u32> {
    let mut number = 0;
    for word in path.split('.') {
        number = surface.below(number, word)?;
    }
    Some(number)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[test]
fn every_release_has_a_surface_that_is_compared() {
    let stack = stack();
    for release in stack.helm.iter().flat_map(|block| &block.releases) {
        let compared = CHARTS.iter().any(|chart| *release.chart == *chart.name && *release.version == *chart.version);
        assert!(compared && !release.surface.is_empty(), "{} {}", release.chart, release.version);
    }
}

#[test]
fn every_key_that_templates_name_is_on_the_surface_and_the_reverse() {
    let Some(folder) = data() else {
        return skipped("surface::every_key_that_templates_name_is_on_the_surface_and_the_reverse", ABSENT);
    };
    let unexplained: Vec<String> = CHARTS.iter().flat_map(|chart| chart.unexplained(&folder)).collect();
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}

#[test]
fn every_dead_value_is_a_trap_on_the_surface_and_the_reverse() {
    let Some(folder) = data() else {
        return skipped("surface::every_dead_value_is_a_trap_on_the_surface_and_the_reverse", ABSENT);
    };
    let wrong: Vec<String> = CHARTS.iter().flat_map(|chart| chart.misjudged(&folder)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nearly_all_facts_that_matter_reach_the_chart() {
    const MATTER: &[&str] = &["image", "replicas", "port", "resource", "secret", "link", "mount"];
    let tables = ledger::facts(&stack());
    assert_eq!(tables.len(), 2, "two helm blocks have surfaces");
    for table in &tables {
        let rows = &table.rows;
        assert!(rows.len() > 200, "{}: {} facts", table.column, rows.len());
        for kind in MATTER {
            assert!(rows.iter().any(|row| row.kind == *kind), "{kind}");
        }
        let of = || rows.iter().filter(|row| MATTER.contains(&row.kind));
        let compared = of().filter(|row| matches!(row.cell, FactCell::Carried(_) | FactCell::Fixed)).count();
        assert!(compared * 10 >= of().count() * 9, "{}: {compared} of {} are compared", table.column, of().count());
        assert!(rows.iter().all(|row| row.cell != FactCell::Hole), "every fact is said, or unsaid with a reason");
    }
}

#[test]
fn the_ledger_prints_what_a_chart_says_of_each_fact() {
    let project = Project::new(&[("environments/dev.kdl", "environment \"dev\" stack=\"aeterna\"\n")]);
    let counts = project.run(&["ledger", "aeterna"]);
    assert_eq!(counts.code, 0, "{counts:?}");
    let line = counts.stdout.lines().find(|line| line.starts_with("image ")).unwrap_or_default();
    assert_eq!(line.split_whitespace().skip(2).collect::<Vec<_>>(), ["0", "0", "0"], "every image is carried: {line}");
    let each = project.run(&["ledger", "aeterna", "--facts"]).stdout;
    let rows: Vec<&str> = each.lines().filter(|line| line.starts_with("cache replicas ")).collect();
    assert_eq!(rows.len(), 2, "one for each block: {rows:?}");
    assert!(rows.iter().all(|row| row.ends_with("cache.dragonfly.replicas, valkey.replica.replicas")), "{rows:?}");
    let json = project.run(&["--format", "json", "ledger", "aeterna"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("one document");
    let rows = json["facts"][0]["rows"].as_array().expect("rows");
    let replicas = rows.iter().find(|row| row["fact"] == "aeterna replicas").expect("the fact");
    let keys = serde_json::json!(["aeterna.replicaCount", "aeterna.autoscaling.minReplicas"]);
    assert_eq!(replicas["said"], serde_json::json!({"is": "carried", "keys": keys}));
}
