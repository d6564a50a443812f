//! What is emitted fits what others publish about the files they read: schemas, and the keys that a chart's templates
//! name. And every reader of YAML, TOML and JSON gets the same from it.
//!
//! Tried on the committed environments and on the golden cases. The upstream data lies beside the repository; where it
//! does not, the tests that need it say that they were skipped.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Value, json};
use trueline::plan::Format;

use super::{
    golden,
    readers::{READ, python},
    support::{self, compile, environments, failed, read, root, skipped},
};

/// A file that was emitted, and where.
struct Emitted {
    name: String,
    /// The stack, and the generation of its chart where it has several.
    stack: String,
    chart: String,
    format: Format,
    text: String,
}

fn emitted() -> Vec<Emitted> {
    let golden = golden::cases().into_iter().map(|case| (case.name, case.environment, case.text));
    let own = environments().into_iter().map(|(name, text)| (name.clone(), name, text));
    let mut all = Vec::new();
    for (name, environment, text) in own.chain(golden) {
        let compiled = compile(&environment, &text);
        if failed(&compiled) {
            continue;
        }
        let settings = compiled.settings();
        for file in compiled.files {
            let Some(format) = file.format else { continue };
            let deployment = file.path.split('/').next().expect("a path has a first part");
            let of = &settings["deployments"][deployment];
            let stack = of["stack"].as_str().unwrap_or_default().to_owned();
            let chart = of["settings"]["chart"].as_str().unwrap_or_default().to_owned();
            let text = String::from_utf8(file.bytes).expect("what is emitted is UTF-8");
            all.push(Emitted { name: format!("{name}/{}", file.path), stack, chart, format, text });
        }
    }
    assert!(all.len() > 40, "{} files", all.len());
    all
}

/// What our own reader makes of a file.
fn tree(file: &Emitted) -> Value {
    let wrong = |error: String| panic!("{}: {error}\n{}", file.name, file.text);
    match file.format {
        Format::Yaml => serde_yaml::from_str(&file.text).unwrap_or_else(|error| wrong(error.to_string())),
        Format::Toml => toml::from_str(&file.text).unwrap_or_else(|error| wrong(error.to_string())),
        _ => serde_json::from_str(&file.text).unwrap_or_else(|error| wrong(error.to_string())),
    }
}

#[test]
fn every_reader_reads_the_same() {
    const TEST: &str = "schemas::every_reader_reads_the_same";
    let files = emitted();
    let word = |format| match format {
        Format::Yaml => Some("yaml"),
        Format::Toml => Some("toml"),
        Format::Json => Some("json"),
        Format::Ini => None,
    };
    let case = |file: &Emitted| {
        Some(json!({ "format": word(file.format)?, "expected": tree(file), "text": file.text, "name": file.name }))
    };
    let cases: Vec<Value> = files.iter().filter_map(case).collect();
    let Some(report) = python(READ, &Value::Array(cases)) else { return skipped(TEST, "there is no python3") };
    for missing in report["missing"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        skipped(TEST, &format!("{missing} is not installed"));
    }
    assert_eq!(report["wrong"], json!([]), "{report:#}");
}

#[test]
fn toml_and_json_come_back() {
    for file in emitted().into_iter().filter(|file| file.format != Format::Ini) {
        let found = tree(&file);
        match file.format {
            Format::Toml => {
                let again = toml::to_string(&found).expect("what was read can be written");
                assert_eq!(toml::from_str::<Value>(&again).expect("it is TOML"), found, "{}", file.name);
            }
            Format::Json => assert_eq!(format!("{found:#}\n"), file.text, "{}", file.name),
            _ => {}
        }
    }
}

#[test]
fn every_compose_file_fits_the_published_schema() {
    const TEST: &str = "schemas::every_compose_file_fits_the_published_schema";
    let folder = tempfile::tempdir().expect("a scratch folder");
    let files: Vec<PathBuf> = emitted()
        .iter()
        .filter(|file| file.name.ends_with("compose.yaml"))
        .map(|file| {
            let path = folder.path().join(format!("{}.yaml", file.name.replace('/', "-")));
            fs::write(&path, &file.text).expect("the file can be written");
            path
        })
        .collect();
    assert!(files.len() > 10);
    if !support::has_check_jsonschema() {
        return skipped(TEST, "check-jsonschema is not installed");
    }
    let mut command = Command::new(support::python());
    let checked = command.args(["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]).args(files);
    let output = checked.output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A file of the upstream data; none where the data is not beside the repository.
fn upstream(path: &str) -> Option<String> {
    let path = root().join("../shared/reference/data").join(path);
    path.exists().then(|| read(&path))
}

/// A chart of `aeterna`, with what its templates name.
struct Chart {
    /// The generation, as the setting `chart` calls it.
    generation: &'static str,
    /// The values file that is for it.
    file: &'static str,
    folder: &'static str,
    /// Its subcharts, and where their values stand.
    subcharts: &'static [(&'static str, &'static str)],
    /// Values that Helm itself reads.
    conditions: &'static [&'static str],
    has_schema: bool,
}

const CHARTS: &[Chart] = &[
    Chart {
        generation: "0.1.0",
        file: "values.yaml",
        folder: "aeterna-chart-0.1.0",
        subcharts: &[
            ("cnpg.", "cloudnative-pg-0.23"),
            ("dragonfly.", "dragonfly-1"),
            ("qdrant.", "qdrant-0.10"),
            ("valkey.", "valkey"),
        ],
        conditions: &["cnpg.enabled", "dragonfly.enabled", "qdrant.enabled", "valkey.enabled"],
        has_schema: true,
    },
    // Its schema describes keys of the generation before, and lacks half of its own: that values fit it says little.
    Chart {
        generation: "0.8",
        file: "values.yaml",
        folder: "aeterna-chart-0.8",
        subcharts: &[],
        conditions: &[],
        has_schema: true,
    },
    Chart {
        generation: "0.8",
        file: "prereqs-values.yaml",
        folder: "aeterna-prereqs-chart-0.8",
        subcharts: &[("dragonfly.", "dragonfly-1"), ("qdrant.", "qdrant-0.10"), ("valkey.", "valkey")],
        conditions: &[],
        has_schema: false,
    },
];

impl Chart {
    /// The values that were emitted for it, as Helm hands them on: what is null takes the chart's own away.
    fn values(&self, emitted: &[Emitted]) -> Vec<(String, Value)> {
        let is_own = |file: &&Emitted| {
            file.stack == "aeterna"
                && file.chart == self.generation
                && file.name.ends_with(&format!("/helm/{}", self.file))
        };
        let all: Vec<(String, Value)> =
            emitted.iter().filter(is_own).map(|file| (file.name.clone(), tree(file))).collect();
        assert!(all.len() > 3, "{}: {} files", self.folder, all.len());
        all
    }
}

#[test]
fn values_fit_the_charts_schema() {
    const TEST: &str = "schemas::values_fit_the_charts_schema";
    let emitted = emitted();
    for chart in CHARTS.iter().filter(|chart| chart.has_schema) {
        let Some(schema) = upstream(&format!("{}/values.schema.json", chart.folder)) else {
            return skipped(TEST, "the upstream data is not beside the repository");
        };
        let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
        let cases = chart.values(&emitted).into_iter().map(|(name, mut tree)| {
            without_null(&mut tree);
            json!({ "name": name, "tree": tree })
        });
        let given = json!({ "schema": schema, "cases": cases.collect::<Vec<_>>() });
        let Some(report) = python(include_str!("schemas.py"), &given) else {
            return skipped(TEST, "there is no python3");
        };
        for missing in report["missing"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            skipped(TEST, &format!("{missing} is not installed"));
        }
        assert_eq!(report["wrong"], json!([]), "{}: {report:#}", chart.folder);
    }
}

fn without_null(tree: &mut Value) {
    match tree {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Keys that a chart's templates name: `path`, or `path.**` for everything below.
struct Keys {
    /// Where the chart's values stand in those of its parent, with a dot behind it.
    below: &'static str,
    paths: Vec<String>,
}

impl Keys {
    fn read(below: &'static str, file: &str) -> Option<Keys> {
        Some(Keys { below, paths: lines(&upstream(file)?) })
    }

    fn name(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix(self.below) else { return false };
        self.paths.iter().any(|named| match named.strip_suffix(".**") {
            Some(whole) => path == whole || path.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.')),
            None => path == named,
        })
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn the_chart_reads_every_key() {
    let emitted = emitted();
    for chart in CHARTS {
        let own = [("", format!("{}/read-keys.txt", chart.folder))];
        let subcharts = chart.subcharts.iter().map(|(below, file)| (*below, format!("subcharts/{file}/read-keys.txt")));
        let read: Option<Vec<Keys>> =
            own.into_iter().chain(subcharts).map(|(below, file)| Keys::read(below, &file)).collect();
        let Some(read) = read else {
            return skipped("schemas::the_chart_reads_every_key", "the upstream data is not beside the repository");
        };
        // The chart of prerequisites has no such list; the surface's test finds what is dead in it.
        let dead = upstream(&format!("{}/dead-keys.txt", chart.folder)).map_or_else(Vec::new, |dead| lines(&dead));
        let mut wrong = Vec::new();
        for (name, tree) in chart.values(&emitted) {
            let mut paths = Vec::new();
            leaves(&tree, String::new(), &mut paths);
            for path in paths {
                // Named through a variable, which the list does not follow.
                let probe = path.starts_with("qdrant.readinessProbe.");
                if !probe && !read.iter().any(|keys| keys.name(&path)) && !chart.conditions.contains(&path.as_str()) {
                    wrong.push(format!("{name}: {path} is read by no template"));
                }
                if dead.contains(&path) {
                    wrong.push(format!("{name}: {path} is dead"));
                }
            }
        }
        wrong.sort_by_key(|line| line.split(": ").nth(1).map(str::to_owned));
        wrong.dedup_by_key(|line| line.split(": ").nth(1).map(str::to_owned));
        assert_eq!(wrong, Vec::<String>::new(), "{}", chart.folder);
    }
}

#[test]
fn keys_are_named_whole_or_by_what_they_lie_below() {
    let Some(read) = Keys::read("", "aeterna-chart-0.1.0/read-keys.txt") else {
        return skipped(
            "schemas::keys_are_named_whole_or_by_what_they_lie_below",
            "the upstream data is not beside the repository",
        );
    };
    assert!(read.name("aeterna.resources.limits.cpu"), "below a `**`");
    assert!(!read.name("aeterna.resource") && !read.name("aeterna.metrics.enabled"));
    let dead = upstream("aeterna-chart-0.1.0/dead-keys.txt").expect("it lies beside the other");
    assert!(lines(&dead).iter().any(|path| path == "aeterna.metrics.enabled"));
}

/// The paths of all values; a list is one value.
fn leaves(tree: &Value, path: String, found: &mut Vec<String>) {
    match tree {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(value, path, found);
            }
        }
        _ => found.push(path),
    }
}
