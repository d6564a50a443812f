//! The stack for any application and its chart: what an environment costs, what the chart reads of it, and that a version
//! of a chart is one set of bytes.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use trueline::{diag::Diags, lock, lower, readback, shipped, targets};

use crate::{
    cli::{Project, Ran},
    golden::{self, Case},
    support::{compile, failed, read, root, told},
};

/// The golden cases of the stack that compile.
fn cases() -> Vec<Case> {
    golden::cases().into_iter().filter(|case| case.name.starts_with("app-")).collect()
}

fn schema() -> Value {
    serde_json::from_str(&read(&root().join("stdlib/charts/app/values.schema.json"))).expect("a schema is JSON")
}

#[test]
fn a_system_of_three_services_takes_less_than_forty_lines() {
    let text = read(&root().join("environments/shop-dev.kdl"));
    let compiled = compile("shop-dev", &text);
    assert!(!failed(&compiled), "{}", told(&compiled));
    assert!(text.lines().count() < 40, "{} lines", text.lines().count());
    let compose = compiled.files.iter().find(|file| file.path.ends_with("compose.yaml")).expect("a Compose file");
    let text = String::from_utf8_lossy(&compose.bytes);
    for service in ["api", "worker", "web", "migrate", "db", "cache"] {
        assert!(text.contains(&format!("\n  {service}:\n    image:")), "{service}");
    }
}

#[test]
fn the_example_of_the_page_compiles() {
    let page = read(&root().join("docs/app.md"));
    let block = page.split("```kdl\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let compiled = compile("dev", block);
    assert!(!failed(&compiled), "{}", told(&compiled));
}

#[test]
fn the_chart_reads_every_key_that_the_stack_writes_and_its_schema_allows_them() {
    let project = Project::new(&[]);
    let cases = cases();
    assert!(cases.len() >= 4, "{} cases", cases.len());
    for case in &cases {
        let compiled = case.compile();
        let values = compiled.files.iter().find(|file| file.path.ends_with("helm/values.yaml"));
        let values = values.unwrap_or_else(|| panic!("{}: {}", case.name, told(&compiled)));
        project.write("values.yaml", &values.bytes);
        let chart = root().join("stdlib/charts/app");
        let ran: Ran = project.run(&["chart", "check", &chart.to_string_lossy(), "values.yaml"]);
        assert_eq!((ran.code, ran.stdout.contains("every key is read")), (0, true), "{}: {ran:?}", case.name);
    }
}

/// What read-back says once the values of a case are changed behind the printer's back.
fn changed(case: &Case, from: &str, to: &str) -> Vec<String> {
    let compiled = case.compile();
    let env = compiled.env.as_ref().expect("it resolves");
    let plan = lower::lower(env, &mut Diags::default()).plan;
    let mut files = targets::emit_all(&plan);
    let values = files.iter_mut().find(|file| file.path.ends_with("helm/values.yaml")).expect("values");
    let text = String::from_utf8(values.bytes.clone()).expect("text");
    assert!(text.contains(from), "`{from}` stands nowhere in\n{text}");
    values.bytes = text.replacen(from, to, 1).into_bytes();
    let mut diags = Diags::default();
    readback::check(env, &plan, &files, &mut diags);
    diags.as_slice().iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
}

#[test]
fn values_that_say_another_fact_are_found_each_of_them() {
    let all = cases();
    let case = all.iter().find(|case| case.name == "app-everything").expect("the case");
    assert_eq!(changed(case, "name: all", "name: all"), Vec::<String>::new());
    for (from, to, fact) in [
        ("replicas: 1", "replicas: 2", "replicas"),
        ("max-replicas: 4", "max-replicas: 5", "replicas.max"),
        ("number: 9090", "number: 9091", "port[metrics]"),
        ("protocol: udp", "protocol: tcp", "port[stats].protocol"),
        ("service: 80\n", "service: 81\n", "port[http].service"),
        ("period: 15s", "period: 16s", "health[readiness].period"),
        ("- /bin/live", "- /bin/love", "health[liveness].exec"),
        ("size: 20Gi", "size: 21Gi", "volume[uploads].size"),
        ("class: fast", "class: slow", "volume[uploads].class"),
        ("at: /var/uploads", "at: /var/downloads", "volume[uploads]"),
        ("name: api\n          key: token", "name: api\n          key: tokens", "env[TOKEN]"),
        ("value: debug", "value: info", "env[LOG_LEVEL]"),
        ("- \"8000\"", "- \"8001\"", "args"),
        ("- /bin/api", "- /bin/other", "command"),
        ("hello $USER", "hullo $USER", "file[/etc/api/banner]"),
        ("user: 1000", "user: 1001", "security.user"),
        ("read-only-root: true", "read-only-root: false", "security.read-only-root"),
        ("- /run", "- /ran", "tmpfs[/run]"),
        ("schedule: \"*/15 * * * *\"", "schedule: \"*/16 * * * *\"", "schedule"),
        ("- a.example.com", "- c.example.com", "route[http].hosts"),
        ("tls: wildcard", "tls: other", "route[http].tls"),
        ("image: nginx:1.27.5", "image: nginx:1.27.6", "image"),
        ("pull: Always", "pull: Never", "image.pull"),
        ("role: cron", "role: job", "role"),
        ("memory: 256Mi", "memory: 257Mi", "resources.limits.memory"),
    ] {
        let found = changed(case, from, to);
        let told = found.iter().any(|line| line.starts_with("TL11") && line.contains(&format!(" {fact}`")));
        assert!(told, "{from}: {found:?}");
    }
    let more = changed(case, "        value: debug", "        value: debug\n      MORE:\n        value: x");
    assert!(more.iter().any(|line| line.starts_with("TL1109 ") && line.contains("env[MORE]")), "{more:?}");
}

#[test]
fn the_schema_refuses_what_no_template_reads() {
    let project = Project::new(&[]);
    let chart = root().join("stdlib/charts/app");
    for (values, wanted) in [
        ("name: a\nworkloads: {x: {image: 'a:1', replica: 2}}\n", "replica"),
        ("name: a\ncluster: {x: {minavailable: 2}}\n", "minavailable"),
        ("name: a\nworkloads: {x: {replicas: 2}}\n", "image"),
        ("name: a\nworkloads: {x: {image: 'a:1', replicas: '2'}}\n", "replicas"),
        ("name: a\nworkloads: {x: {image: 'a:1', role: cron}}\n", "x"),
        ("name: A\n", "name"),
    ] {
        project.write("values.yaml", values);
        let ran = project.run(&["chart", "check", &chart.to_string_lossy(), "values.yaml"]);
        assert_eq!((ran.code, ran.stdout.contains(wanted)), (1, true), "{values}{ran:?}");
    }
}

#[test]
fn the_schema_is_closed_everywhere() {
    let mut groups = 0;
    closed(&schema(), "", &mut groups);
    assert!(groups > 15, "{groups} groups of keys");
}

/// Every group of named keys allows no others.
fn closed(node: &Value, path: &str, groups: &mut usize) {
    let Value::Object(map) = node else {
        node.as_array().into_iter().flatten().for_each(|item| closed(item, path, groups));
        return;
    };
    // The condition of an `if` allows everything else on purpose.
    if map.get("properties").is_some_and(Value::is_object) && !path.ends_with("/if") {
        *groups += 1;
        assert_eq!(map.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
    }
    map.iter().for_each(|(key, inner)| closed(inner, &format!("{path}/{key}"), groups));
}

#[test]
fn a_version_of_a_chart_is_one_set_of_bytes() {
    let recorded = read(&root().join("stdlib/charts/digests.txt"));
    let recorded: BTreeSet<&str> = recorded.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(!shipped::all().is_empty());
    for chart in shipped::all() {
        let version = chart.folder();
        let files = shipped::files(&BTreeSet::from([version.clone()]));
        let all: Vec<u8> = files
            .iter()
            .flat_map(|file| [file.path.as_bytes(), b"\0", file.bytes.as_slice(), b"\0"].concat())
            .collect();
        let line = format!("{version} {}", lock::digest(&all));
        assert!(
            recorded.contains(line.as_str()),
            "the chart `{}` has other bytes than its version {} had: give it another version in `Chart.yaml`, in the stack \
             and in its surface, and add the line `{line}` to stdlib/charts/digests.txt",
            chart.name,
            chart.version
        );
    }
}

#[test]
fn what_is_embedded_is_what_lies_in_the_folder() {
    for chart in shipped::all() {
        for file in shipped::files(&BTreeSet::from([chart.folder()])) {
            let below = file.path.split_once('/').expect("a folder").1;
            let path = root().join("stdlib/charts").join(chart.name).join(below);
            assert_eq!(fs::read(&path).expect("the file is there"), file.bytes, "{}", path.display());
        }
    }
}

const SMALL: &str = "environment \"ENV\" stack=\"app\" {\n    service \"api\" image=\"a:1\"\n}\n";
const CHART: &str = "out/charts/app-1.0.0/Chart.yaml";

/// A project with two environments of the stack, compiled.
fn placed() -> Project {
    let project = Project::new(&[
        ("environments/dev.kdl", &SMALL.replace("ENV", "dev")),
        ("environments/prod.kdl", &SMALL.replace("ENV", "prod")),
    ]);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("charts: ") && ran.stdout.contains(" written"), "{ran:?}");
    project
}

fn exists(project: &Project, path: &str) -> bool {
    project.path(path).exists()
}

#[test]
fn a_compile_places_one_copy_of_the_chart() {
    let project = placed();
    let charts = project.tree("out/charts");
    assert_eq!(project.read(CHART), read(&root().join("stdlib/charts/app/Chart.yaml")));
    assert!(charts.keys().any(|path| path.ends_with("values.schema.json")));
    let again = project.run(&["compile"]);
    assert!(again.code == 0 && !again.stdout.contains("charts"), "{again:?}");
    assert_eq!(project.tree("out/charts"), charts);
    assert_eq!(project.run(&["compile", "--check"]).code, 0);
    let verified = project.run(&["verify"]);
    assert!(verified.code == 0 && verified.stdout.contains("charts: "), "{verified:?}");
    assert!(verified.stderr.contains("2 environments"), "{verified:?}");
}

#[test]
fn a_chart_that_was_edited_is_told_and_not_overwritten() {
    let project = placed();
    project.write(CHART, "name: mine\n");
    for arguments in [&["verify"][..], &["compile", "--check"], &["compile"], &["compile", "dev"]] {
        let ran = project.run(arguments);
        assert!(ran.code == 1 && ran.stdout.contains(CHART), "{arguments:?}: {ran:?}");
    }
    assert_eq!(project.read(CHART), "name: mine\n");
    let ran = project.run(&["compile", "--overwrite"]);
    assert!(ran.code == 0 && project.read(CHART).contains("name: app"), "{ran:?}");
}

#[test]
fn a_chart_goes_when_no_environment_uses_it_and_not_before() {
    let project = placed();
    fs::remove_file(project.path("environments/prod.kdl")).expect("the environment can be removed");
    project.run(&["compile", "--prune", "prod"]);
    project.write("environments/dev.kdl", "environment \"dev\" stack=\"app\" {\n    service \"api\"\n}\n");
    assert_eq!(project.run(&["compile"]).code, 1, "an image is missing");
    assert!(exists(&project, CHART), "who has an error may use it again");
    project.write("environments/dev.kdl", "environment \"dev\" stack=\"aeterna\" {\n}\n");
    let one = project.run(&["compile", "dev", "--accept", "compose.project"]);
    assert_eq!(one.code, 0, "{one:?}");
    assert!(exists(&project, CHART), "others are not known");
    let all = project.run(&["compile"]);
    assert!(all.code == 0 && all.stdout.contains("removed"), "{all:?}");
    assert!(!exists(&project, "out/charts/trueline.lock") && !exists(&project, CHART));
    assert_eq!(project.run(&["verify"]).code, 0);
}

#[test]
fn an_older_version_stays_while_an_environment_may_use_it() {
    let project = placed();
    // As an older compiler left it: another version, which this one does not ship.
    let old = shipped::plain("app-0.9.0/Chart.yaml".to_owned(), b"name: app\nversion: 0.9.0\n".to_vec());
    let versions: BTreeSet<_> = shipped::all().iter().map(shipped::Chart::folder).collect();
    let files = shipped::files(&versions).into_iter().chain([old]).collect();
    for file in shipped::seal(files) {
        project.write(&format!("out/charts/{}", file.path), &file.bytes);
    }
    let ran = project.run(&["compile", "dev"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(exists(&project, "out/charts/app-0.9.0/Chart.yaml"));
    assert_eq!(project.run(&["verify"]).code, 0);
    let ran = project.run(&["compile"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!exists(&project, "out/charts/app-0.9.0/Chart.yaml") && exists(&project, CHART));
    assert_eq!(project.run(&["verify"]).code, 0);
}
