//! Loops over workloads.

use std::sync::Arc;

use crate::{
    compile::{Compiled, Stdlib, compile},
    diag::{Diags, Severity},
    source::{Source, SourceId},
};

/// Compiles an environment of a stack with two services of a map, a database that may be switched off, and this body.
fn compiled(body: &str, environment: &str) -> Compiled {
    let stack = format!(
        r#"stack "demo" version="1" {{
            settings {{
                (bool)database default=#true
                (map)service of="service" {{}}
            }}
            type "service" {{ (image)image required=#true; (int)copies default=1 min=1 }}
            workload "db" when="database" {{ image "postgres:17"; port "sql" 5432 }}
            (each)"name, s in service" {{
                workload (ref)"name" {{ image (ref)"s.image"; replicas (ref)"s.copies"; port "http" 8080 }}
            }}
            {body}
        }}"#
    );
    let mut diags = Diags::default();
    let stdlib = Stdlib::with_project(
        vec![("demo".into(), vec![("stdlib/stacks/demo/stack.kdl".into(), stack)])],
        Vec::new(),
        &mut diags,
    );
    assert_eq!(diags.as_slice(), []);
    let text = format!(
        "environment \"dev\" stack=\"demo\" {{\n service \"web\" image=\"nginx:1.27\" copies=3\n service \"api\" image=\"api:2\"\n{environment}\n}}\n"
    );
    compile(Arc::new(Source { id: SourceId(9999), name: "environments/dev.kdl".into(), text }), &stdlib)
}

/// The lines below the header of the file of this name.
fn lines(compiled: &Compiled, name: &str) -> Vec<String> {
    let file = compiled.files.iter().find(|file| file.path.ends_with(name));
    let file = file.unwrap_or_else(|| panic!("no {name}: {:?}", compiled.findings));
    let text = std::str::from_utf8(&file.bytes).expect("files are text");
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

fn helm(names: &str, values: &str) -> String {
    format!(
        "helm \"x\" {{ release \"x\" chart=\"x\" version=\"1\" file=\"values.yaml\" {{ names {{ {names} }}; values {{ {values} }} }} }}"
    )
}

const NAMES: &str = r#"(each)"name, w in workloads" { (ref)"name" (f)"{release}-{name}" }"#;

#[test]
fn the_item_of_a_loop_is_the_tree_of_its_workload() {
    for environment in ["", "database #false"] {
        let all = compiled(&helm(NAMES, r#"all (ref)"workloads""#), environment);
        let one_by_one =
            compiled(&helm(NAMES, r#"all { (each)"name, w in workloads" { (ref)"name" (ref)"w" } }"#), environment);
        assert_eq!(lines(&all, "values.yaml"), lines(&one_by_one, "values.yaml"));
        assert_eq!(lines(&all, "values.yaml").contains(&"  db:".to_owned()), environment.is_empty());
    }
}

#[test]
fn facts_are_those_of_the_workload_that_the_loop_is_at() {
    let values = r#"(each)"w in workloads" { - { image (ref)"w.image.tag"; copies (ref)"w.replicas" } }"#;
    let found = compiled(&helm(NAMES, &format!("all {{ {values} }}; every (ref)\"workloads\"")), "");
    let wanted = ["all:", "- image: \"17\"", "- image: \"2\"", "  copies: 1", "- image: \"1.27\"", "  copies: 3"];
    assert_eq!(lines(&found, "values.yaml")[..wanted.len()], wanted);
}

#[test]
fn workloads_are_the_same_inside_of_another_loop() {
    let values = r#"(each)"key, s in service" { (ref)"key" (ref)"workloads" }"#;
    let found = lines(&compiled(&helm(NAMES, values), ""), "values.yaml");
    let (api, web) = found.split_at(found.len() / 2);
    assert_eq!((api[0].as_str(), web[0].as_str()), ("api:", "web:"));
    assert_eq!(api[1..], web[1..]);
}

#[test]
fn names_of_workloads_lead_to_them() {
    let values = r#"host (f)"{endpoint.db.host}"; all (ref)"workloads""#;
    assert_eq!(lines(&compiled(&helm(NAMES, values), ""), "values.yaml")[0], "host: demo-db");
}

/// A workload that mounts a configuration file which says this of each workload.
fn mounting(values: &str) -> Compiled {
    let body = format!(
        "workload \"reader\" {{ image \"reader:1\"; file \"/etc/all.toml\" config=\"all\" }}
        config \"all\" file=\"all.toml\" format=\"toml\" {{ (each)\"name, w in workloads\" {{ {values} }} }}"
    );
    compiled(&format!("{body}\n{}", helm(NAMES, "all (ref)\"workloads\"")), "")
}

#[test]
fn a_configuration_file_that_is_mounted_may_list_workloads() {
    let found = mounting("(ref)\"name\" { image (ref)\"w.image\"; copies (ref)\"w.replicas\" }");
    assert!(lines(&found, "all.toml").contains(&"image = \"api:2\"".to_owned()), "{:?}", lines(&found, "all.toml"));
}

#[test]
fn a_configuration_file_that_prints_itself_is_refused() {
    let findings = mounting("(ref)\"name\" (ref)\"w\"").findings;
    let errors: Vec<_> = findings.iter().filter(|finding| finding.code.severity == Severity::Error).collect();
    assert!(!errors.is_empty() && errors.iter().all(|finding| finding.code.id == "TL0449"), "{errors:?}");
}

/// An environment whose services name their own ports and volumes.
fn named(environment: &str) -> Compiled {
    let body = r#"type "disk" { (path)at required=#true }
        type "worker" { (map)port of="port"; (map)disk of="disk" }
        settings { (map)worker of="worker" }
        (each)"name, s in worker" {
            workload (ref)"name" {
                image "worker:1"
                (each)"port, number in s.port" { port (ref)"port" (ref)"number" }
                (each)"disk, d in s.disk" { volume (ref)"disk" at=(ref)"d.at" }
                args { - "--port"; (each)"port, number in s.port" { - (ref)"number" } }
            }
        }
        compose { project (f)"{environment}"; bind "127.0.0.1"; restart "no" }"#;
    compiled(&format!("{body}\n{}", helm(NAMES, r#"all (ref)"workloads""#)), environment)
}

#[test]
fn a_loop_names_ports_and_volumes() {
    let found = named(
        "worker \"a\" { port metrics=9090 admin=9091; disk \"data\" at=\"/data\" }\n worker \"b\" { port http=8000 }",
    );
    let values = lines(&found, "values.yaml").join("\n");
    for wanted in [
        "      metrics:\n        number: 9090",
        "      admin:\n        number: 9091",
        "    volumes:\n      data:\n        at: /data",
        "    - --port\n    - \"9091\"\n    - \"9090\"",
    ] {
        assert!(values.contains(wanted), "{wanted}\n{values}");
    }
    let compose = lines(&found, "compose.yaml").join("\n");
    assert!(compose.contains("source: a-data\n      target: /data"), "{compose}");
    assert!(compose.contains("    - \"8000\""), "{compose}");
}

#[test]
fn a_computed_name_is_a_label_too() {
    let findings = named("worker \"a\" { port \"My Port\"=8000 }").findings;
    let errors: Vec<_> = findings.iter().filter(|finding| finding.code.severity == Severity::Error).collect();
    assert!(!errors.is_empty() && errors.iter().all(|finding| finding.code.id == "TL0216"), "{errors:?}");
}
