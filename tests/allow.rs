//! What an environment declares to be meant is counted, printed and locked; what it does not declare is refused.

use serde_json::Value;

use super::{
    cli::Project,
    support::{compile, told},
};

/// An environment with one difference of each kind.
const DECLARED: &str = r#"environment "dev" stack="aeterna" {
    override "compose" because="a laptop pulls no images" { app pull-policy="Always" }
    raw "compose" because="a collector of logs on the laptop" {
        services { collector { image "fluent/fluent-bit:4.1"; pid "host" } }
    }
    allow "host-namespace" "collector" because="it measures all processes of the machine"
}
"#;

#[test]
fn declared_differences_are_counted_printed_and_locked_alike() {
    let project = Project::new(&[("environments/dev.kdl", DECLARED)]);
    let ran = project.run(&["compile"]);
    assert!(ran.code == 0 && ran.stdout.contains(", 4 declared differences"), "{ran:?}");
    let lines = [
        ("override compose", "app.pull-policy", "a laptop pulls no images"),
        ("raw compose", "services.collector.image", "a collector of logs on the laptop"),
        ("raw compose", "services.collector.pid", "a collector of logs on the laptop"),
        ("allow host-namespace", "collector", "it measures all processes of the machine"),
    ];
    let (lock, ran) = (project.read("out/dev/trueline.lock"), project.run(&["check"]));
    for (words, subject, because) in lines {
        let line = format!("difference aeterna {words} \"{subject}\" \"{because}\"\n");
        assert!(lock.contains(&line), "{line}{lock}");
        let line = format!("  {words} {subject}: {because}\n");
        assert!(ran.stdout.contains(&line), "{line}{}", ran.stdout);
    }
    for command in ["check", "compile"] {
        let json: Value = serde_json::from_str(&project.run(&[command, "--format", "json"]).stdout).expect("JSON");
        let declared = json["environments"][0]["declared"].as_array().expect("a list");
        let subjects: Vec<&str> = declared.iter().filter_map(|it| it["subject"].as_str()).collect();
        assert_eq!(subjects.len(), lines.len(), "{subjects:?}");
    }
}

#[test]
fn an_environment_without_differences_declares_none() {
    let project = Project::new(&[("environments/dev.kdl", "environment \"dev\" stack=\"aeterna\" {}\n")]);
    let ran = project.run(&["compile"]);
    assert!(ran.code == 0 && !ran.stdout.contains("declared"), "{ran:?}");
}

/// The codes of the findings of a project with a stack of its own.
fn codes(stack: &str, environment: &str) -> Vec<String> {
    let project = Project::new(&[
        ("stdlib/stacks/demo/stack.kdl", &format!("stack \"demo\" version=\"1\" {{\n{stack}\n}}\n")),
        ("environments/dev.kdl", &format!("environment \"dev\" stack=\"demo\" {{\n{environment}\n}}\n")),
    ]);
    let ran = project.run(&["check", "--format", "json"]);
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = json["environments"][0]["findings"].as_array().expect("a list");
    findings
        .iter()
        .map(|found| format!("{} {}", found["code"].as_str().unwrap_or(""), found["start"]["line"]))
        .collect()
}

#[test]
fn a_variable_named_like_a_secret_takes_no_text_from_a_setting_or_the_stack() {
    let stack = |value: &str| {
        format!(
            "settings {{ (string)word default=\"\" }}\nworkload \"web\" {{ image \"nginx:1.27\"; env DB_PASSWORD={value} }}"
        )
    };
    let setting = stack("(ref)\"word\"");
    assert_eq!(codes(&setting, "word \"plain text\""), ["TL0241 2"]);
    assert_eq!(codes(&setting, ""), Vec::<String>::new());
    let allow = "allow \"secret-like\" \"word\" because=\"everybody knows this one\"";
    assert_eq!(codes(&setting, &format!("word \"plain text\"\n{allow}")), Vec::<String>::new());
    assert_eq!(codes(&setting, allow), ["TL0624 2"]);
    assert_eq!(
        codes(&stack("\"constant\" A=(ref)\"word\""), "word \"x\"").first().map(String::as_str),
        Some("TL0241 3")
    );
    let secret = "settings { (secret)word }\nworkload \"web\" { image \"nginx:1.27\"; env DB_PASSWORD=(ref)\"word\" }";
    assert_eq!(codes(secret, "word (secret)\"db/password\""), Vec::<String>::new());
}

#[test]
fn a_setting_that_is_the_same_everywhere_takes_no_override() {
    let stack = "settings { (string)word default=\"a\" override=#false; (string)other default=\"a\" }
workload \"web\" { image \"nginx:1.27\"; env A=(ref)\"word\" B=(ref)\"other\" }";
    let over = |body: &str, because: &str| format!("override \"compose\" because=\"{because}\" {{ {body} }}");
    let fine = "a reason that is long enough";
    assert_eq!(codes(stack, &over("word \"b\"", fine)), ["TL0503 2"]);
    assert_eq!(codes(stack, &over("other \"b\"", fine)), Vec::<String>::new());
    assert_eq!(codes(stack, &over("other \"a\"", fine)), ["TL0504 2"]);
    assert_eq!(codes(stack, &over("other \"b\"", "short")), ["TL0126 2"]);
}

#[test]
fn empty_raw_maps_take_nothing_away() {
    let text = |body: &str| {
        format!(
            "environment \"dev\" stack=\"aeterna\" {{\n raw \"compose\" because=\"nothing at all is added\" {{ {body} }}\n}}\n"
        )
    };
    let compose = |text: &str| {
        let compiled = compile("dev", text);
        let found = compiled.files.iter().find(|file| file.path.ends_with("compose.yaml"));
        found.map(|file| file.bytes.clone()).unwrap_or_else(|| panic!("{}", told(&compiled)))
    };
    let plain = compose("environment \"dev\" stack=\"aeterna\" {}\n");
    for body in ["services {}", "services { aeterna {} }", "volumes { postgres-data {} }"] {
        assert!(compose(&text(body)) == plain, "{body}");
    }
}
