//! Stacks and surfaces that do not agree, files and plans that were changed behind the printers' backs.

use std::sync::Arc;

use super::check;
use crate::{
    compile::{Compiled, Stdlib, compile},
    diag::{Diags, Finding},
    lower::lower,
    plan::Plan,
    source::{Source, SourceId},
    targets::{File, emit_all},
    value::Value,
};

/// A stack with one workload, its chart, and what a test adds to them.
#[derive(Clone, Copy, Default)]
struct Demo {
    settings: &'static str,
    /// Of the workload.
    facts: &'static str,
    /// Of the stack.
    stack: &'static str,
    values: &'static str,
    surface: &'static str,
    environment: &'static str,
}

impl Demo {
    fn compile(&self) -> Compiled {
        let Demo { settings, facts, stack, values, surface, environment } = self;
        let stack = format!(
            r#"stack "demo" version="1" {{
                settings {{ (image)image default="acme/api:1.4.0"; {settings} }}
                workload "api" {{ image (ref)"image"; {facts} }}
                compose {{ project "demo"; bind "127.0.0.1"; restart "unless-stopped" }}
                {stack}
                helm "demo" {{
                    release "demo" chart="demo" version="1" surface="chart.kdl" file="values.yaml" {{
                        names {{ api "demo-api" }}
                        values {{ image (ref)"image"; {values} }}
                    }}
                }}
            }}"#
        );
        let surface = format!(
            r#"surface "demo" version="1" {{ (image)image carries="api image"; runs "api" host="demo-api"; fixed "api role" "service"; {surface} }}"#
        );
        let texts = vec![
            ("stdlib/stacks/demo/stack.kdl".to_owned(), stack),
            ("stdlib/stacks/demo/chart.kdl".to_owned(), surface),
        ];
        let mut diags = Diags::default();
        let stdlib = Stdlib::with_project(vec![("demo".to_owned(), texts)], Vec::new(), &mut diags);
        assert_eq!(diags.as_slice(), [], "{}", self.surface);
        let text = format!("environment \"dev\" stack=\"demo\" {{\n{environment}\n}}\n");
        compile(Arc::new(Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text }), &stdlib)
    }

    /// What is found: code and message, one line each.
    fn found(&self) -> Vec<String> {
        self.compile().findings.iter().map(told).collect()
    }

    /// What is found in the files of a changed plan, or in changed files.
    fn changed(&self, plan: impl Fn(&mut Plan), files: impl Fn(&mut Vec<File>)) -> Vec<String> {
        let env = self.compile().env.expect("it resolves");
        let mut diags = Diags::default();
        let mut lowered = lower(&env, &mut diags).plan;
        plan(&mut lowered);
        let mut printed = emit_all(&lowered);
        files(&mut printed);
        check(&env, &lowered, &printed, &mut diags);
        diags.as_slice().iter().map(told).collect()
    }
}

fn told(finding: &Finding) -> String {
    format!("{} {}", finding.code.id, finding.message)
}

/// Asserts that each demo gives one finding, which begins so; or none.
fn each_gives(cases: &[(&str, Demo)]) {
    for (expected, demo) in cases {
        let found = demo.found();
        let alike = match found.as_slice() {
            [] => expected.is_empty(),
            [one] => !expected.is_empty() && one.starts_with(expected),
            _ => false,
        };
        assert!(alike, "wanted `{expected}`, found {found:#?}\n{} | {} | {}", demo.facts, demo.values, demo.surface);
    }
}

/// Replaces a text that stands in a file.
fn replaced(files: &mut [File], path: &str, from: &str, to: &str) {
    let file = files.iter_mut().find(|file| file.path == path).expect("there is this file");
    let text = String::from_utf8(file.bytes.clone()).expect("files are text");
    assert!(text.contains(from), "{text}");
    file.bytes = text.replace(from, to).into_bytes();
}

const COPIES: Demo = Demo {
    settings: "(int)replicas default=2 min=1",
    facts: r#"replicas (ref)"replicas""#,
    stack: "",
    values: r#"replicas (ref)"replicas""#,
    surface: r#"(int)replicas default=1 carries="api replicas""#,
    environment: "",
};

const MODE: Demo = Demo {
    settings: r#"(string)mode"#,
    facts: r#"env { MODE (ref)"mode" }"#,
    stack: "",
    values: r#"mode (ref)"mode""#,
    surface: r#"(string)mode default="" carries="api env[MODE]""#,
    environment: "",
};

#[test]
fn what_agrees_gives_nothing() {
    each_gives(&[("", Demo::default()), ("", COPIES), ("", MODE), ("", Demo { environment: r#"mode "x""#, ..MODE })]);
    assert_eq!(COPIES.changed(|_| {}, |_| {}), Vec::<String>::new());
}

#[test]
fn a_key_says_what_the_fact_says() {
    let secret = Demo {
        settings: r#"(secret)token default="api-token/value""#,
        facts: r#"env { TOKEN (ref)"token" }"#,
        values: r#"token { name (ref)"token.name"; key (ref)"token.key" }"#,
        surface: r#"token { (subdomain)name carries="api env[TOKEN].name"; (string)key carries="api env[TOKEN].key" }"#,
        ..Demo::default()
    };
    let image = Demo {
        settings: r#"(image)tool default="acme/tool:2""#,
        facts: "",
        stack: r#"workload "tool" { image (ref)"tool" }"#,
        values: r#"tool { repository (ref)"tool.repository"; tag (ref)"tool.tag"; digest (ref)"tool.digest" }"#,
        surface: r#"tool { (image-repository)repository carries="tool image.repository"; (string)tag carries="tool image.tag"; (string)digest default="" carries="tool image.digest" }; runs "tool"; fixed "tool role" "service""#,
        ..Demo::default()
    };
    let digest = "tool \"acme/tool:2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"";
    each_gives(&[
        ("", secret),
        ("", image),
        ("", Demo { environment: digest, ..image }),
        (
            "TL1110 `api replicas` is `2` (from `replicas`), and to chart `demo` `replicas` says `3`",
            Demo { values: r#"replicas (cel)"replicas + 1""#, ..COPIES },
        ),
        (
            "",
            Demo {
                values: r#"more (cel)"replicas - 1""#,
                surface: r#"(int)more default=0 { carries "api replicas" plus=1 }"#,
                ..COPIES
            },
        ),
        (
            "TL1111 `api env[TOKEN]` comes from `token`, and `token.name`, `token.key` from `other`, `token`",
            Demo {
                settings: r#"(secret)token default="api-token/value"; (secret)other default="api-token/other" { absent "compose" because="nobody needs it there" }"#,
                values: r#"token { name (ref)"other.name"; key (ref)"token.key" }"#,
                ..secret
            },
        ),
    ]);
}

#[test]
fn null_takes_the_default_of_the_chart_away() {
    let default = Demo { surface: r#"(string)mode default="fast" carries="api env[MODE]""#, ..MODE };
    let group =
        |values| Demo { surface: r#"fast { (string)mode default="fast" carries="api env[MODE]" }"#, values, ..MODE };
    each_gives(&[
        ("TL1109 `mode` has a default of the chart's own, which says `api env[MODE]`", default),
        ("", Demo { values: r#"mode (ref)"mode"; (when)"!has(mode)" { mode #null }"#, ..default }),
        ("TL1109", group(r#"fast { mode (ref)"mode" }"#)),
        ("", group(r#"(when)"has(mode)" { fast { mode (ref)"mode" } }; (when)"!has(mode)" { fast #null }"#)),
        ("", Demo { values: r#"mode (cel)"has(mode) ? mode : ''""#, ..MODE }),
        (
            "TL1109 `mode` is written, which says `api env[MODE]`",
            Demo { values: r#"mode (cel)"has(mode) ? mode : 'slow'""#, ..MODE },
        ),
    ]);
}

#[test]
fn further_names_of_a_variable_count_once() {
    let also = Demo { facts: r#"env { MODE (ref)"mode" also="OTHER_MODE" }"#, environment: r#"mode "x""#, ..MODE };
    let apart = Demo {
        facts: r#"env { MODE (ref)"mode"; OTHER_MODE (ref)"mode" }"#,
        surface: r#"(string)mode default="" carries="api env[MODE]"; (bool)more default=#false; (when)"more" { (string)other carries="api env[OTHER_MODE]" }"#,
        ..also
    };
    each_gives(&[("", also), ("TL1114 `api env[OTHER_MODE]` (from `mode`) reaches chart `demo` by no key", apart)]);
}

#[test]
fn one_mistake_gives_one_finding() {
    let scaled = Demo {
        settings: r#"(int)replicas default=2 min=1; (int)most default=4 { absent "compose" because="it does not scale" }"#,
        facts: r#"replicas (ref)"replicas" max=(ref)"most""#,
        values: r#"replicas (ref)"replicas"; scale { most (ref)"most" }"#,
        surface: r#"(int)replicas default=1 carries="api replicas"; scale { (bool)on default=#false; (when)"scale.on" { (int)most default=3 carries="api replicas.max" } }"#,
        ..Demo::default()
    };
    let worker = Demo {
        settings: r#"(bool)worker default=#true"#,
        stack: r#"workload "worker" when="worker" { image "acme/worker:1"; args "run" }"#,
        values: r#"(when)"!worker" { worker { on #true } }; (when)"worker" { worker { on #false } }"#,
        surface: r#"worker { (bool)on default=#true }
            runs "worker" when="worker.on"
            (when)"worker.on" { fixed "worker image" "acme/worker:1"; fixed "worker role" "service"; fixed "worker args" "run" }"#,
        ..Demo::default()
    };
    // One key says it to both.
    let shared = Demo {
        stack: r#"workload "tool" { image "acme/tool:2"; env { MODE (ref)"mode" } }"#,
        values: r#"(when)"mode == 'fast'" { mode (ref)"mode" }"#,
        surface: r#"(string)mode default="" { carries "api env[MODE]" "tool env[MODE]" }
            runs "tool"; fixed "tool role" "service"; fixed "tool image" "acme/tool:2""#,
        environment: r#"mode "slow""#,
        ..MODE
    };
    // Whether the fact reaches the chart depends on a value that is wrong.
    let wrong = Demo {
        values: r#"replicas (ref)"replicas"; (when)"most > 9" { scale { on #true } }; (when)"most > 9" { scale { most (ref)"most" } }"#,
        environment: r#"raw "helm" because="only to try it" { scale { on "yes" } }"#,
        ..scaled
    };
    each_gives(&[
        ("TL1106 chart `demo` does not read `scale.most` as the other values are", scaled),
        ("TL1113 chart `demo` does not run `worker` with these values", worker),
        ("TL1113 chart `demo` runs `worker` with these values", Demo { environment: "worker #false", ..worker }),
        ("TL1107 `scale.on` of chart `demo`: ", wrong),
        ("TL1108 `mode` carries `api env[MODE]`, `tool env[MODE]` to chart `demo`", shared),
    ]);
}

#[test]
fn raw_says_no_fact() {
    let found = Demo {
        environment: r#"raw "compose" because="only to try it" { services { api { mem_reservation "1g" } } }"#,
        ..COPIES
    }
    .found();
    assert_eq!(found, ["TL0810 the stack writes `services.api.mem_reservation` already"]);
    let mode = |environment| Demo { environment, ..MODE };
    each_gives(&[
        (
            "TL1116 `mode` carries `api env[MODE]`, which is no business of `raw`",
            mode(r#"raw "helm" because="only to try it" { mode "x" }"#),
        ),
        ("TL1104 chart `demo` does not read `mood`", mode(r#"raw "helm" because="only to try it" { mood "x" }"#)),
        (
            "TL1103",
            mode(
                r#"raw "compose" because="only to try it" { services { more { image "x:1"; depends_on { - "nobody" } } } }"#,
            ),
        ),
        (
            "TL1103",
            mode(
                r#"raw "compose" because="only to try it" { services { more { image "x:1"; volumes { - "data:/x" } } } }"#,
            ),
        ),
        (
            "TL1103",
            mode(
                r#"raw "compose" because="only to try it" { services { more { image "x:1"; networks { - "default"; - "inner" } } } }"#,
            ),
        ),
        (
            "",
            mode(
                r#"raw "compose" because="only to try it" { services { more { image "x:1"; volumes { - "./data:/x" }; depends_on { - "api" } } } }"#,
            ),
        ),
    ]);
}

#[test]
fn a_secret_may_be_called_as_a_workload_is() {
    let demo = Demo {
        settings: "(secret)password default=\"demo-api/password\"",
        facts: "port \"http\" 8000; env { PASSWORD (ref)\"password\" }",
        values: "passwordSecret (ref)\"password.name\"",
        surface: "fixed \"api port[http]\" 8000; fixed \"api port[http].protocol\" \"tcp\"
            (subdomain)passwordSecret carries=\"api env[PASSWORD].name\"; fixed \"api env[PASSWORD].key\" \"password\"",
        ..Demo::default()
    };
    assert_eq!(demo.found(), [""; 0], "a key says the name");
    let fixed = "fixed \"api port[http]\" 8000; fixed \"api port[http].protocol\" \"tcp\"
        fixed \"api env[PASSWORD].name\" \"demo-api\"; fixed \"api env[PASSWORD].key\" \"password\"";
    let settings = "(secret)password default=\"demo-api/password\" { absent \"helm\" because=\"the chart fixes it\" }";
    let stated = Demo { settings, values: "", surface: fixed, ..demo };
    assert_eq!(stated.found(), [""; 0], "a template says it");
    let other = Demo { environment: "password (secret)\"demo-web/password\"", ..stated };
    assert!(matches!(&*other.found(), [one] if one.starts_with("TL1112 ")), "{:?}", other.found());
}

#[test]
fn the_text_of_a_secret_is_not_shown() {
    let canary = "hunter2/canary";
    let demo = Demo {
        surface: r#"(secret)password default="""#,
        environment: r#"
            raw "helm" because="only to try it" { password "hunter2/canary" }
            allow "secret-like" "password" because="only to try it"
        "#,
        ..Demo::default()
    };
    let found = demo.found();
    assert_eq!(found, ["TL1107 `password` of chart `demo` would hold the text of a secret"]);
    let compiled = demo.compile();
    assert!(!format!("{:?}", compiled.findings).contains(canary));
}

#[test]
fn a_printer_that_says_otherwise_is_found() {
    let compose = "demo/compose/compose.yaml";
    let demo = Demo {
        facts: r#"replicas (ref)"replicas"; env { MODE "fast" }"#,
        values: r#"replicas (ref)"replicas"; mode "fast""#,
        surface: r#"(int)replicas default=1 carries="api replicas"; (string)mode default="" carries="api env[MODE]""#,
        ..COPIES
    };
    let found = |from, to| demo.changed(|_| {}, |files| replaced(files, compose, from, to));
    let [one] = &found("fast", "slow")[..] else { panic!("one finding") };
    assert!(one.starts_with("TL1102 `api env[MODE]` is `fast`, and line ") && one.ends_with("says `slow`"), "{one}");
    let [one] = &found("replicas: 2", "replicas: 3")[..] else { panic!("one finding") };
    assert!(one.starts_with("TL1102 `api replicas` is `2` (from `replicas`), and line "), "{one}");
    let missing = found("MODE", "MOOD");
    assert!(missing.iter().all(|found| found.starts_with("TL1102")) && missing.len() == 2, "{missing:?}");
    let unreadable = found("services:", "services: &anchor");
    assert!(
        matches!(&unreadable[..], [one] if one.starts_with("TL1101 `demo/compose/compose.yaml`")),
        "{unreadable:?}"
    );
    let values = demo.changed(|_| {}, |files| replaced(files, "demo/helm/values.yaml", "replicas: 2", "replicas: 3"));
    assert!(matches!(&values[..], [one] if one.starts_with("TL1110 `api replicas` is `2`")), "{values:?}");
    let bytes = demo.changed(|_| {}, |files| files.iter_mut().for_each(|file| file.bytes = vec![0xff]));
    assert!(bytes.len() == 2 && bytes.iter().all(|found| found.contains("it is not UTF-8")), "{bytes:?}");
}

#[test]
fn a_service_is_labelled_with_what_it_mounts() {
    let compose = "demo/compose/compose.yaml";
    let demo = Demo {
        facts: r#"file "/etc/motd" text="ready""#,
        surface: r#"unsaid "api file[*]" because="the chart mounts none""#,
        ..Demo::default()
    };
    let label = |demo: Demo| {
        let compiled = demo.compile();
        let file = compiled
            .files
            .iter()
            .find(|file| file.path == compose)
            .unwrap_or_else(|| panic!("{:?}", compiled.findings.iter().map(told).collect::<Vec<_>>()));
        let text = String::from_utf8(file.bytes.clone()).expect("files are text");
        text.lines().find_map(|line| line.trim().strip_prefix("trueline.files: ").map(str::to_owned))
    };
    let before = label(demo).expect("it mounts a file");
    assert_eq!(label(Demo::default()), None);
    let longer = Demo { facts: r#"file "/etc/motd" text="ready.""#, ..demo };
    let elsewhere = Demo { facts: r#"file "/etc/motto" text="ready""#, ..demo };
    let same = Demo { environment: r#"image "acme/api:1.4.1""#, ..demo };
    assert_ne!(label(longer), Some(before.clone()));
    assert_ne!(label(elsewhere), Some(before.clone()));
    assert_eq!(label(same), Some(before.clone()));

    let found = |path, from: &str, to| demo.changed(|_| {}, |files| replaced(files, path, from, to));
    let told = "TL1102 `services.api.labels` ";
    for found in [
        found(compose, &before, "0"),
        found(compose, "trueline.files", "trueline.flies"),
        found("demo/compose/files/api/etc/motd", "ready", "steady"),
    ] {
        assert!(found.iter().any(|line| line.starts_with(told)), "{found:#?}");
    }
}

#[test]
fn views_differ_only_where_an_override_says_so() {
    let changed = COPIES.changed(
        |plan| {
            let compose = plan.deployments[0].compose.as_mut().expect("there is a project");
            compose.workloads[0].replicas.as_mut().expect("they are counted").value = Value::Int(1);
        },
        |_| {},
    );
    assert_eq!(changed, ["TL1115 `api replicas` is `1` to `compose` and `2` to `helm`, and no `override` says so"]);
    let scheme = Demo {
        settings: "(bool)tls default=#true",
        facts: r#"env { (when)"tls" { SCHEME "https" }; (when)"!tls" { SCHEME "http" } }"#,
        values: r#"(when)"tls" { scheme "https" }; (when)"!tls" { scheme "http" }"#,
        surface: r#"(string)scheme default="https" carries="api env[SCHEME]""#,
        ..Demo::default()
    };
    let overridden = r#"override "compose" because="nobody has a certificate for a laptop" { tls #false }"#;
    each_gives(&[
        ("", scheme),
        ("", Demo { environment: overridden, ..scheme }),
        ("", Demo { environment: r#"override "compose" because="a laptop runs one copy" { replicas 1 }"#, ..COPIES }),
        (
            "",
            Demo {
                settings: r#"(int)replicas default=2 min=1 { absent "compose" because="a laptop runs one copy" }"#,
                facts: r#"replicas (ref)"replicas"; override "compose" because="a laptop runs one copy" { replicas 1 }"#,
                ..COPIES
            },
        ),
    ]);
    // An override of something else explains nothing.
    let other = Demo {
        settings: "(int)replicas default=2 min=1; (int)other default=1",
        facts: r#"replicas (ref)"replicas"; env { OTHER (ref)"other" }"#,
        values: r#"replicas (ref)"replicas"; other (ref)"other""#,
        surface: r#"(int)replicas default=1 carries="api replicas"; (int)other default=1 carries="api env[OTHER]""#,
        environment: r#"override "compose" because="a laptop is another machine" { other 5 }"#,
        ..COPIES
    };
    let changed = other.changed(|plan| plan.deployments[0].cluster[0].replicas = None, |_| {});
    assert!(
        changed.iter().any(|found| found.starts_with("TL1115 `api replicas` is `2` to `compose` and nothing")),
        "{changed:?}"
    );
}

#[test]
fn checks_and_commands_that_a_stack_fixes_fit_together() {
    let asks = |facts| Demo {
        facts,
        surface: r#"unsaid "api health[*]" because="the chart asks nothing""#,
        ..Demo::default()
    };
    let starts = |facts| Demo {
        facts,
        surface: r#"fixed "api command" "sh" "-c" "sleep 10 && python run.py""#,
        ..Demo::default()
    };
    let exec = r#"health "readiness" { exec "api" "status"; period "30s"; timeout "5s"; failures 3; start "10s" }"#;
    let times = |from: &str, to: &str| -> &'static str { exec.replace(from, to).leak() };
    each_gives(&[
        ("", asks(exec)),
        // Both ask again only after the answer.
        ("", asks(times("period \"30s\"", "period \"1s\""))),
        (
            "TL1118 `api health[readiness].period` is `30m`, and `timeout` is `5s`",
            asks(times("period \"30s\"", "period \"30m\"")),
        ),
        (
            "TL1118 `api health[readiness].timeout` is `5m`, and `period` is `30s`",
            asks(times("timeout \"5s\"", "timeout \"5m\"")),
        ),
        ("TL1118 `api health[readiness].start` is `10h`", asks(times("start \"10s\"", "start \"10h\""))),
        (
            "",
            starts(
                r#"command "python" "run.py"; override "helm" because="the chart sleeps before" { command "sh" "-c" "sleep 10 && python run.py" }"#,
            ),
        ),
        (
            "TL1115 `api command`",
            starts(
                r#"command "run.py" "python"; override "helm" because="the chart sleeps before" { command "sh" "-c" "sleep 10 && python run.py" }"#,
            ),
        ),
    ]);
    // A setting may be what its reason says.
    let slow = Demo {
        settings: r#"(duration)often default="30m" { absent "helm" because="the chart asks nothing" }"#,
        ..asks(times("\"30s\"", "(ref)\"often\""))
    };
    each_gives(&[("", slow)]);
}

#[test]
fn what_decides_what_is_read_says_what_it_is() {
    let demo = |carries: &str| {
        Demo {
        settings: r#"(switch)banner { absent "compose" because="only the cluster has it"; (string)text default="hello" }"#,
        values: r#"banner { enabled (ref)"banner"; (when)"banner" { text (ref)"banner.text" } }"#,
        surface: format!(
            r#"banner {{ (bool)enabled default=#false{carries}; (when)"banner.enabled" {{ (string)text default="" carries="setting banner.text" }} }}"#
        )
        .leak(),
        ..Demo::default()
    }
    };
    each_gives(&[("", demo(r#" carries="setting banner""#)), ("TL1117 `banner.enabled` (from `banner`)", demo(""))]);
}

/// Parts by name, each with a weight and a height, and what a chart is told of them.
const PART: &str = r#"type "part" {
    (int)weight default=3
    (int)height default=3
    (duration)grace default="30s"
    (string)label
    absent "compose" because="only the cluster has parts"
}"#;

fn parts(values: &'static str) -> Demo {
    Demo {
        settings: r#"(map)part of="part""#,
        stack: PART,
        values,
        surface: r#"(map)parts {
            (int)weight default=1 carries="setting part.*.weight"
            (int)height carries="setting part.*.height"
            (seconds)graceSeconds carries="setting part.*.grace.seconds"
            (string)label carries="setting part.*.label"
        }"#,
        environment: "part \"left\"\npart \"right\" weight=4 label=\"r\"",
        ..Demo::default()
    }
}

#[test]
fn each_item_of_a_map_says_its_own_settings() {
    let agrees = r#"parts { (each)"k, p in part" { (ref)"k" { weight (ref)"p.weight"; height (ref)"p.height"; graceSeconds (ref)"p.grace.seconds"; label (ref)"p.label" } } }"#;
    let found = parts(agrees).found();
    assert!(found.iter().all(|found| found.starts_with("TL0608 ")), "{found:#?}");
    let with = |weight: &str, height: &str, grace: &str, label: &str| -> &'static str {
        format!(
            r#"parts {{ (each)"k, p in part" {{ (ref)"k" {{ {weight}; {height}; graceSeconds (cel)"{grace}"; label (cel)"{label}" }} }} }}"#
        )
        .leak()
    };
    let (weight, height) = (r#"weight (ref)"p.weight""#, r#"height (ref)"p.height""#);
    let cases = [
        ("TL1110 `part.left.grace` is `30s`", with(weight, height, "p.grace.seconds + 1", "p.label")),
        (
            "TL1111 `parts.left.weight` has to come from `part.left.weight`, and comes from `part.left.height`",
            with(r#"weight (ref)"p.height""#, r#"height (ref)"p.weight""#, "p.grace.seconds", "p.label"),
        ),
        (
            "TL1109 `parts.left.label` is written, which says `part.left.label`, and nothing here does",
            with(weight, height, "p.grace.seconds", "first(p.label, 'r')"),
        ),
        (
            "TL1108 `parts.left.height` carries `part.left.height` to chart `demo`",
            with(weight, r#"(when)"p.weight == 4" { height (ref)"p.height" }"#, "p.grace.seconds", "p.label"),
        ),
    ];
    for (wanted, values) in cases {
        let found = parts(values).found();
        assert!(found.iter().any(|found| found.starts_with(wanted)), "{found:#?}, not {wanted}");
    }
}

#[test]
fn who_is_told_of_a_program_waits_for_it_where_anything_does() {
    let found = |needs: &str, worker: &str| -> Vec<String> {
        let stack = format!(
            r#"stack "demo" version="1" {{
                settings {{ (image)image default="acme/api:1.4.0"; (bool)cached default=#true }}
                workload "db" {{ image "postgres:17.4"; port "db" 5432 }}
                workload "cache" {{ image "valkey/valkey:8.1"; port "redis" 6379 }}
                workload "api" {{
                    image (ref)"image"
                    env {{ DB_HOST (ref)"endpoint.db.host" }}
                    (when)"cached" {{ env {{ CACHE (f)"{{endpoint.cache}}" }} }}
                    {needs}
                }}
                workload "worker" {{ image (ref)"image"; env {{ DB_HOST (ref)"endpoint.db.host" }}; {worker} }}
                compose {{ project "demo"; bind "127.0.0.1"; restart "unless-stopped" }}
            }}"#
        );
        let texts = vec![("stdlib/stacks/demo/stack.kdl".to_owned(), stack)];
        let mut diags = Diags::default();
        let stdlib = Stdlib::with_project(vec![("demo".to_owned(), texts)], Vec::new(), &mut diags);
        assert_eq!(diags.as_slice(), [], "{needs}");
        let text = "environment \"dev\" stack=\"demo\"\n".to_owned();
        let compiled =
            compile(Arc::new(Source { id: SourceId(0), name: "environments/dev.kdl".to_owned(), text }), &stdlib);
        compiled.findings.iter().map(told).collect()
    };
    // Nothing waits for the cache, so nobody who is told of it has to.
    assert_eq!(found(r#"needs "db" until="started""#, ""), [""; 0]);
    assert_eq!(found(r#"needs "db" "cache" until="started""#, r#"needs "db" until="started""#), [""; 0]);
    let cases = [
        (r#"needs "db" until="started""#, r#"needs "cache" until="started""#, "`api` is told of `cache` here"),
        (r#"needs "cache" until="started""#, r#"needs "db" until="started""#, "`api` is told of `db` here"),
        (
            r#"needs "db" until="started"; (when)"!cached" { needs "cache" until="started" }"#,
            "",
            "`api` is told of `cache`",
        ),
    ];
    for (needs, worker, wanted) in cases {
        let found = found(needs, worker);
        assert!(found.iter().any(|one| one.starts_with("TL1119 ") && one.contains(wanted)), "{needs}: {found:#?}");
    }
}

/// A chart that takes variables as a list of names and values.
const VARIABLES: Demo = Demo {
    settings: r#"(bool)debug default=#false; (int)workers default=4; (secret)token default="api-token/value"; (string)note"#,
    facts: r#"env { DEBUG (ref)"debug"; WORKERS (ref)"workers"; TOKEN (ref)"token"; NOTE (ref)"note" }"#,
    stack: "",
    values: r#"extraEnv {
        - name="DEBUG" value=(f)"{debug}"
        - name="WORKERS" value=(f)"{workers}"
        - { name "TOKEN"; valueFrom { secretKeyRef { name (ref)"token.name"; key (ref)"token.key" } } }
        (when)"has(note)" { - name="NOTE" value=(ref)"note" }
    }"#,
    surface: r#"(list)extraEnv by="name" {
        DEBUG { (string)value carries="api env[DEBUG]" }
        WORKERS { (string)value carries="api env[WORKERS]" }
        TOKEN { valueFrom { secretKeyRef { (subdomain)name carries="api env[TOKEN].name"; (string)key carries="api env[TOKEN].key" } } }
        NOTE { (string)value carries="api env[NOTE]" }
    }"#,
    environment: "",
};

#[test]
fn items_of_a_list_are_known_by_a_key() {
    let with = |from: &str, to: &str| {
        assert!(VARIABLES.values.contains(from), "{from}");
        Demo { values: VARIABLES.values.replace(from, to).leak(), ..VARIABLES }
    };
    each_gives(&[
        ("", VARIABLES),
        ("", Demo { environment: "note \"x\"; debug #true", ..VARIABLES }),
        (
            "TL1110 `api env[WORKERS]` is `4` (from `workers`), and to chart `demo` `extraEnv[WORKERS].value` says `5`",
            with(r#"(f)"{workers}""#, r#"(cel)"string(workers + 1)""#),
        ),
        (
            "TL1111 `api env[DEBUG]` comes from `debug`, and `extraEnv[DEBUG].value` from `debug`, `workers`",
            with(r#"(f)"{debug}""#, r#"(cel)"debug ? string(debug) : string(workers > 9)""#),
        ),
        (
            "TL1110 `api env[DEBUG]` is `false` (from `debug`), and to chart `demo` `extraEnv[DEBUG].value` says `false`, `false`",
            with(r#"- name="WORKERS""#, r#"- name="DEBUG" value=(f)"{debug}"; - name="WORKERS""#),
        ),
        (
            "TL0908 chart `demo` 1 reads text at `extraEnv[DEBUG].value`, this is a yes or no",
            with(r#"(f)"{debug}""#, r#"(ref)"debug""#),
        ),
        (
            "TL1108 `extraEnv[WORKERS].value` carries `api env[WORKERS]` to chart `demo`, and the values do not say it",
            with(
                r#"- name="WORKERS" value=(f)"{workers}""#,
                r#"(when)"workers > 9" { - name="WORKERS" value=(f)"{workers}" }"#,
            ),
        ),
        (
            "TL1109 `extraEnv[NOTE].value` is written, which says `api env[NOTE]`",
            with(
                r#"(when)"has(note)" { - name="NOTE" value=(ref)"note" }"#,
                r#"- name="NOTE" value=(cel)"has(note) ? note : 'x'""#,
            ),
        ),
        (
            "TL1117 `extraEnv.*` (from `workers`) is written, and nothing says what it carries to chart `demo`",
            with(r#"(when)"has(note)""#, r#"- name="PROCESSES" value=(f)"{workers}"; (when)"has(note)""#),
        ),
        (
            "TL0906 chart `demo` 1 does not read `extraEnv[WORKERS].text`",
            with(r#"- name="WORKERS" value=(f)"{workers}""#, r#"- name="WORKERS" text=(f)"{workers}""#),
        ),
    ]);
}
