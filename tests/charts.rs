//! `trueline chart` on the charts of `tests/fixtures/charts`: the printed surfaces, and what is said of files of values.
//!
//! `NAME/` is a chart and `NAME.surface.kdl` its surface; `check/NAME-CASE.yaml` are values for it, and the text beside
//! them is what the program says. `TRUELINE_BLESS=1 cargo test` writes both.

use std::{collections::BTreeSet, fs};

use trueline::{
    diag::Diags,
    source::{Source, SourceId},
    syntax,
};

use crate::{
    cli::{Project, Ran},
    tidy::{at, blessing, read},
};

const FOLDER: &str = "tests/fixtures/charts";
const CHARTS: &[&str] = &["broken", "parts", "shop"];

/// A scratch folder with the charts.
fn charts() -> Project {
    let project = Project::new(&[]);
    copy(&project, FOLDER, "");
    project
}

fn copy(project: &Project, from: &str, to: &str) {
    for entry in fs::read_dir(at(from)).expect("the folder of the charts") {
        let entry = entry.expect("readable");
        let name = entry.file_name().into_string().expect("UTF-8");
        if entry.path().is_dir() {
            copy(project, &format!("{from}/{name}"), &format!("{to}{name}/"));
        } else {
            project.write(&format!("{to}{name}"), fs::read(entry.path()).expect("readable"));
        }
    }
}

/// Compares a text with the expected one in a file, or writes it there.
fn expect(path: &str, found: &str) {
    let path = format!("{FOLDER}/{path}");
    if blessing() {
        fs::write(at(&path), found).expect("the expectation can be written");
        return;
    }
    assert_eq!(found, read(&path), "{path}; `TRUELINE_BLESS=1 cargo test` writes it");
}

/// The files of values: the chart, and the name without its ending.
fn cases() -> Vec<(String, String)> {
    let names = fs::read_dir(at(&format!("{FOLDER}/check"))).expect("the folder of the cases");
    let names: BTreeSet<String> =
        names.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect();
    let stem = |name: &String| name.strip_suffix(".yaml").map(str::to_owned);
    let chart = |stem: String| (stem.split('-').next().unwrap_or_default().to_owned(), stem);
    names.iter().filter_map(stem).map(chart).collect()
}

#[test]
fn surfaces_are_what_is_expected_and_kdl() {
    let project = charts();
    for chart in CHARTS {
        let ran = project.run(&["chart", "surface", chart]);
        assert_eq!(ran.code, i32::from(*chart == "broken"), "{chart}: {ran:?}");
        let file = format!("{chart}.surface.kdl");
        expect(&file, &ran.stdout);
        assert_eq!(project.run(&["chart", "surface", chart]).stdout, ran.stdout, "the same bytes twice");
        let mut diags = Diags::default();
        let doc = syntax::parse(&Source { id: SourceId(0), name: file, text: ran.stdout }, &mut diags);
        assert!(!diags.has_errors() && doc.nodes.len() == 1, "{diags:?}");
    }
    expect("broken.surface.txt", &project.run(&["chart", "surface", "broken"]).stderr);
}

#[test]
fn values_are_judged_as_expected() {
    let project = charts();
    let mut wrong = 0;
    let cases = cases();
    for (chart, stem) in &cases {
        let ran = project.run(&["chart", "check", chart, &format!("check/{stem}.yaml")]);
        assert_eq!(ran.stderr, "", "{stem}");
        expect(&format!("check/{stem}.txt"), &ran.stdout);
        assert_eq!(ran.code, i32::from(ran.stdout.contains("error[")), "{stem}");
        assert!(!ran.stdout.contains("hunter2"), "{stem} shows a secret");
        wrong += ran.code;
    }
    assert!(wrong as usize * 2 >= cases.len(), "at least half of the cases are wrong");
}

#[test]
fn programs_get_paths_and_places() {
    let project = charts();
    let ran = project.run(&["chart", "surface", "shop", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let keys = document["environments"][0]["keys"].as_array().expect("keys").clone();
    let find = |path: &str| keys.iter().find(|key| key["path"] == path).cloned().unwrap_or_default();
    let mode = find("mode");
    assert_eq!(
        (&mode["file"], &mode["line"], &mode["read"]),
        (&"shop/templates/deployment.yaml".into(), &16.into(), &"value".into())
    );
    assert_eq!(find("extraEnv[].value")["tpl"], true);
    assert_eq!(find("sidecars")["tpl"], true);
    assert_eq!(find("db.global.storageClass"), serde_json::Value::Null, "it is the one of all charts");
    let ran = project.run(&["chart", "check", "shop", "check/shop-unread.yaml", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = document["environments"][0]["findings"].as_array().expect("findings").clone();
    let first = findings.iter().find(|finding| finding["severity"] == "error").expect("an error");
    assert_eq!((ran.code, &first["code"], &first["start"]["line"]), (1, &"TL0950".into(), &1.into()), "{first}");
}

fn refused(ran: &Ran, wanted: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    assert!(ran.stderr.contains(wanted), "{wanted}: {ran:?}");
}

#[test]
fn what_cannot_be_asked_is_2() {
    let project = charts();
    refused(&project.run(&["chart", "surface", "nowhere"]), "`nowhere` cannot be read");
    refused(&project.run(&["chart", "surface", "check"]), "holds no `Chart.yaml`");
    refused(&project.run(&["chart", "surface", "shop.surface.kdl"]), "is no folder");
    refused(&project.run(&["chart", "check", "shop"]), "VALUES");
    refused(&project.run(&["chart", "check", "shop", "nowhere.yaml"]), "`nowhere.yaml`");
    project.write("latin.yaml", b"a: \xe9\n");
    refused(&project.run(&["chart", "check", "shop", "latin.yaml"]), "is not UTF-8");
    assert_eq!(project.run(&["chart", "surface", "shop", "-o", "new.kdl"]).code, 0);
    assert_eq!(project.read("new.kdl"), project.read("shop.surface.kdl"));
    refused(&project.run(&["chart", "surface", "shop", "-o", "new.kdl"]), "`new.kdl` exists");
}

#[test]
fn several_files_are_judged_as_helm_joins_them() {
    let project = charts();
    project.write("one.yaml", "replicaCount: 0\n");
    project.write("two.yaml", "replicaCount: 2\n");
    let ran = project.run(&["chart", "check", "shop", "one.yaml", "two.yaml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = project.run(&["chart", "check", "shop", "two.yaml", "one.yaml"]);
    assert!(ran.code == 1 && ran.stdout.contains("one.yaml:1:1"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let project = charts();
    project.write("outside.yaml", "{{ .Values.outside }}\n");
    project.write("elsewhere/more.yaml", "{{ .Values.elsewhere }}\n");
    std::os::unix::fs::symlink(project.path("outside.yaml"), project.path("parts/templates/link.yaml"))
        .expect("a link");
    std::os::unix::fs::symlink(project.path("elsewhere"), project.path("parts/templates/folder")).expect("a link");
    project.write("cache/Chart.yaml", "name: cache\nversion: 1.0.0\n");
    std::os::unix::fs::symlink(project.path("cache"), project.path("parts/charts/cache")).expect("a link");
    let ran = project.run(&["chart", "surface", "parts"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("parts/charts/cache") && ran.stderr.contains("links are not followed"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stdout.contains("outside") && !ran.stdout.contains("elsewhere"), "{}", ran.stdout);
}

#[test]
fn hostile_charts_end_in_bounded_time() {
    let head = "apiVersion: v2\nname: x\nversion: 1.0.0\n";
    let nested = format!("{}{}", "{{ if .Values.a }}".repeat(5_000), "{{ (".repeat(5_000));
    let calls: String = (0..40)
        .map(|n| format!("{{{{ define \"t{n}\" }}}}{{{{ include \"t{}\" (dict \"a\" .) }}}}{{{{ include \"t{}\" (dict \"b\" .) }}}}{{{{ end }}}}", n + 1, n + 1))
        .collect();
    let growing = format!("{{{{ $x := list .Values.a }}}}{}{{{{ toYaml $x }}}}", "{{ $x = list $x $x }}".repeat(3000));
    let itself = "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ toYaml $d }}{{ define \"r\" }}{{ include \"r\" .x }}{{ end }}{{ include \"r\" .Values }}";
    for (name, text) in [
        ("nested", nested),
        ("calls", format!("{calls}{{{{ include \"t0\" . }}}}")),
        ("growing", growing),
        ("itself", itself.to_owned()),
    ] {
        let project = Project::new(&[("x/Chart.yaml", head), ("x/templates/t.yaml", &text), ("v.yaml", "a: 1\n")]);
        let ran = project.run(&["chart", "check", "x", "v.yaml"]);
        assert!(ran.code <= 1, "{name}: {ran:?}");
    }
}
