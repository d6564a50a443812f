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
    schema::{KeyShape, Stack, Surface},
};

use super::{
    cli::Project,
    support::{library, root, skipped},
};

/// A shipped surface, and what was measured of its chart.
struct Measured {
    stack: &'static str,
    /// The release's chart and version, as the stack names them.
    chart: (&'static str, &'static str),
    folder: &'static str,
    /// Folder of a subchart, and the key that its values stand below.
    subcharts: &'static [(&'static str, &'static str)],
    /// Keys on the surface that the measured list does not have, and why; a path stands for all below it.
    more: &'static [(&'static str, &'static str)],
    /// Keys in the measured lists that the surface does not say alike, and why.
    less: &'static [(&'static str, &'static str)],
}

const CHARTS: &[Measured] = &[
    Measured {
        stack: "aeterna",
        chart: ("aeterna", "0.1.0"),
        folder: "aeterna-chart-0.1.0",
        subcharts: &[
            ("cloudnative-pg-0.23", "cnpg"),
            ("dragonfly-1", "dragonfly"),
            ("qdrant-0.10", "qdrant"),
            ("valkey", "valkey"),
        ],
        more: &[
            ("cnpg.enabled", "the condition of the dependency, which Helm reads and no template"),
            ("dragonfly.enabled", "the condition of the dependency, which Helm reads and no template"),
            ("qdrant.enabled", "the condition of the dependency, which Helm reads and no template"),
            ("valkey.enabled", "the condition of the dependency, which Helm reads and no template"),
            ("qdrant.readinessProbe", "read through a variable, `$values`, which the list does not follow"),
            ("qdrant.livenessProbe", "read through a variable, `$values`, which the list does not follow"),
            ("qdrant.startupProbe", "read through a variable, `$values`, which the list does not follow"),
            ("weaviate", "the values of a subchart that this stack does not use, handed on whole"),
            ("mongodb", "the values of a subchart that this stack does not use, handed on whole"),
        ],
        less: &[
            ("valkey.global", "Helm hands the `global` of the chart to its subcharts; it stands at the top"),
            ("postgresql.cloudnativepg.backup.endpointURL", "named only in the branch for S3, which fails to render"),
        ],
    },
    Measured {
        stack: "aeterna",
        chart: ("aeterna", "0.8.0-rc.12"),
        folder: "aeterna-chart-0.8",
        subcharts: &[],
        more: &[],
        less: &[("vault.aeternaServiceAccount", "named, and no manifest changes with it: it was measured to be dead")],
    },
    Measured {
        stack: "aeterna",
        chart: ("aeterna-prereqs", "0.8.0-rc.12"),
        folder: "aeterna-prereqs-chart-0.8",
        subcharts: &[("dragonfly-1", "dragonfly"), ("qdrant-0.10", "qdrant"), ("valkey", "valkey")],
        more: &[
            ("qdrant.readinessProbe", "read through a variable, `$values`, which the list does not follow"),
            ("qdrant.livenessProbe", "read through a variable, `$values`, which the list does not follow"),
            ("qdrant.startupProbe", "read through a variable, `$values`, which the list does not follow"),
            ("openbao.global", "the values of a subchart that this stack does not use, handed on whole"),
            ("openbao.injector", "the values of a subchart that this stack does not use, handed on whole"),
            ("openbao.csi", "the values of a subchart that this stack does not use, handed on whole"),
            ("openbao.server", "the values of a subchart that this stack does not use, handed on whole"),
        ],
        less: &[("valkey.global", "Helm hands the `global` of the chart to its subcharts; it stands at the top")],
    },
    Measured {
        stack: "somafractalmemory",
        chart: ("somafractalmemory", "0.1.0"),
        folder: "somafractalmemory",
        subcharts: &[],
        more: &[
            ("podSecurityContext", "handed on without `enabled`, by `omit`, which the list does not follow"),
            ("containerSecurityContext", "handed on without `enabled`, by `omit`, which the list does not follow"),
        ],
        less: &[],
    },
];

/// A path that templates name; `whole` if what lies below it is read too.
struct Named {
    path: String,
    whole: bool,
}

const ABSENT: &str = "the upstream data is not beside the repository";

fn data() -> Option<PathBuf> {
    let folder = root().join("../shared/reference/data");
    folder.is_dir().then_some(folder)
}

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

fn named(chart: &Measured, folder: &Path) -> Vec<Named> {
    let mut all = Vec::new();
    let mut read = |file: PathBuf, prefix: &str| {
        for line in lines(&file) {
            let whole = line.strip_suffix(".**");
            all.push(Named { path: format!("{prefix}{}", whole.unwrap_or(&line)), whole: whole.is_some() });
        }
    };
    read(folder.join(chart.folder).join("read-keys.txt"), "");
    for (subchart, alias) in chart.subcharts {
        read(folder.join("subcharts").join(subchart).join("read-keys.txt"), &format!("{alias}."));
    }
    all
}

fn stack(name: &str) -> Arc<Stack> {
    library().stack(name, &mut Diags::default()).expect("the stack loads")
}

impl Measured {
    fn surface(&self) -> Arc<Surface> {
        let stack = stack(self.stack);
        let mut releases = stack.helm.iter().flat_map(|block| &block.releases);
        let release = releases
            .find(|release| (release.chart.as_ref(), release.version.as_ref()) == self.chart)
            .expect("the stack has a release of the chart");
        stack.surface(release).expect("its release has a surface")
    }
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

fn explained(path: &str, table: &'static [(&str, &str)], used: &mut BTreeSet<&'static str>) -> bool {
    match table.iter().find(|(above, _)| is_below(path, above)) {
        Some((above, _)) => {
            used.insert(above);
            true
        }
        None => false,
    }
}

/// The paths of a chart's values that reach no manifest: as measured, or else those that no template names.
fn dead(chart: &Measured, folder: &Path) -> Vec<String> {
    let measured = folder.join(chart.folder).join("dead-keys.txt");
    if measured.is_file() {
        return lines(&measured);
    }
    let text = fs::read_to_string(folder.join(chart.folder).join("values.yaml")).expect("the chart has values");
    let (mut leaves, named) = (Vec::new(), named(chart, folder));
    leaves_of(&serde_yaml::from_str(&text).expect("values are YAML"), "", &mut leaves);
    let read = |path: &str| {
        named.iter().any(|named| is_below(path, &named.path) || is_below(&named.path, path))
            || chart.more.iter().any(|(above, _)| is_below(path, above))
    };
    leaves.retain(|path| !read(path));
    leaves
}

fn leaves_of(value: &serde_json::Value, path: &str, leaves: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves_of(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, leaves);
            }
        }
        _ => leaves.push(path.to_owned()),
    }
}

/// What of a surface and of the list of keys that templates name does not agree and is not explained.
fn unexplained(chart: &Measured, folder: &Path) -> Vec<String> {
    let (surface, named) = (chart.surface(), named(chart, folder));
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    for Named { path, .. } in &named {
        let dead = at(&surface, path).map(|number| matches!(surface.key(number).shape, KeyShape::Dead(_)));
        if dead != Some(false) && !explained(path, chart.less, &mut used) {
            let says = if dead.is_none() { "does not" } else { "calls it dead" };
            wrong.push(format!("templates name `{path}`, and the surface {says}"));
        }
    }
    for (number, key) in surface.keys.iter().enumerate().skip(1) {
        let path = surface.path_of(number as u32);
        let dead = matches!(key.shape, KeyShape::Dead(_));
        let group = matches!(key.shape, KeyShape::Group);
        let is_named = named.iter().any(|named| {
            named.path == path
                || (named.whole && is_below(&path, &named.path))
                || (group && is_below(&named.path, &path))
        });
        let traps = group && key.children.values().all(|child| matches!(surface.key(*child).shape, KeyShape::Dead(_)));
        if !dead && !traps && !is_named && !explained(&path, chart.more, &mut used) && key.name.as_str() != "*" {
            wrong.push(format!("the surface has `{path}`, and no template names it"));
        }
    }
    for (path, reason) in chart.more.iter().chain(chart.less) {
        if !used.contains(path) || reason.len() <= 20 {
            wrong.push(format!("nothing needs the explanation of `{path}`"));
        }
    }
    wrong
}

/// What of the keys that a surface calls dead and those that reach no manifest does not agree.
fn wrongly_dead(chart: &Measured, folder: &Path) -> Vec<String> {
    let (surface, dead) = (chart.surface(), dead(chart, folder));
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
            wrong.push(format!("the surface calls `{path}` dead, and changing it was not measured to change nothing"));
        }
    }
    wrong
}

/// What a comparison finds wrong with any chart, each line with the chart's folder.
fn wrong_of_all(compare: fn(&Measured, &Path) -> Vec<String>, folder: &Path) -> String {
    let of = |chart: &Measured| {
        compare(chart, folder).into_iter().map(|line| format!("{}: {line}\n", chart.folder)).collect::<String>()
    };
    CHARTS.iter().map(of).collect()
}

#[test]
fn every_release_has_a_surface_that_is_compared() {
    for name in ["aeterna", "somafractalmemory"] {
        for release in stack(name).helm.iter().flat_map(|block| &block.releases) {
            let of = (release.chart.as_ref(), release.version.as_ref());
            let compared = CHARTS.iter().any(|chart| chart.stack == name && chart.chart == of);
            assert!(compared && !release.surface.is_empty(), "{of:?}");
        }
    }
}

#[test]
fn every_key_that_templates_name_is_on_the_surface_and_the_reverse() {
    let Some(folder) = data() else {
        return skipped("surface::every_key_that_templates_name_is_on_the_surface_and_the_reverse", ABSENT);
    };
    let wrong = wrong_of_all(unexplained, &folder);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_dead_value_is_a_trap_on_the_surface_and_the_reverse() {
    let Some(folder) = data() else {
        return skipped("surface::every_dead_value_is_a_trap_on_the_surface_and_the_reverse", ABSENT);
    };
    let wrong = wrong_of_all(wrongly_dead, &folder);
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn nearly_all_facts_that_matter_reach_the_chart() {
    const MATTER: &[&str] = &["image", "replicas", "port", "resource", "secret", "link", "mount"];
    let tables = ledger::facts(&stack("aeterna"));
    assert_eq!(tables.len(), 2, "two helm blocks have surfaces");
    for table in &tables {
        let rows = &table.rows;
        assert!(rows.len() > 200, "{}: {} facts", table.column, rows.len());
        for kind in MATTER {
            assert!(rows.iter().any(|row| row.kind == *kind), "{}: {kind}", table.column);
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
