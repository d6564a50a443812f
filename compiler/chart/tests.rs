//! Templates in, ways of keys out: one construct after the other.

use super::*;
use crate::source::SourceId;

/// A chart with these files; a description is added.
fn scanned(files: &[(&str, &str)]) -> (Scanned, Vec<String>) {
    let description = ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    let has_own = files.iter().any(|(path, _)| *path == "Chart.yaml");
    let all = (!has_own).then_some(description).into_iter().chain(files.iter().copied());
    let file = |(at, (path, text)): (usize, (&str, &str))| File {
        path: path.to_owned(),
        source: Arc::new(Source { id: SourceId(at as u32 + 1), name: path.to_owned(), text: text.to_owned() }),
    };
    let files: Vec<File> = all.enumerate().map(file).collect();
    let mut diags = Diags::default();
    let scanned = scan(&files, &[], &mut diags).expect("there is a description");
    let told = diags.as_slice().iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect();
    (scanned, told)
}

/// The keys that a template reads: `a` a value, `a?` asked for, `a**` whole, `a[]` walked over.
fn keys(text: &str) -> Vec<String> {
    let (scanned, told) = scanned(&[("templates/t.yaml", text)]);
    assert_eq!(told, Vec::<String>::new(), "{text}");
    ways(&scanned)
}

fn ways(scanned: &Scanned) -> Vec<String> {
    let one = |(steps, key): (Vec<reads::Step>, &Key)| {
        let mark = match (key.whole, key.scalar, key.items || key.keys) {
            (true, ..) => "**",
            (_, true, _) => "",
            (_, _, true) => "[]",
            _ => "?",
        };
        format!("{}{mark}{}", reads::shown(&steps), if key.tpl { " tpl" } else { "" })
    };
    scanned.reads.live().into_iter().map(one).collect()
}

#[test]
fn what_a_template_reads() {
    let cases: &[(&str, &[&str])] = &[
        ("{{ .Values.a.b }}", &["a.b"]),
        ("{{ $.Values.a }}", &["a"]),
        ("{{ (.Values.a).b }}", &["a.b"]),
        ("{{ if .Values.a }}{{ end }}", &["a?"]),
        ("{{ toYaml .Values.a | nindent 2 }}", &["a**"]),
        ("{{ with .Values.a }}{{ .b }}{{ $.Values.c }}{{ end }}", &["a?", "a.b", "c"]),
        ("{{ with .Values.a }}{{ . | toYaml }}{{ end }}", &["a**"]),
        ("{{ with .Values.a }}x{{ else }}{{ .Values.b }}{{ end }}", &["a?", "b"]),
        ("{{ range .Values.a }}{{ .b }}{{ end }}", &["a[]", "a[].b"]),
        ("{{ range $k, $v := .Values.a }}{{ $k }}{{ $v.b }}{{ $v.c | quote }}{{ end }}", &["a[]", "a[].b", "a[].c"]),
        ("{{ index .Values \"a\" \"b-c\" }}", &["a.b-c"]),
        ("{{ index .Values.a 0 \"b\" }}", &["a[].b"]),
        ("{{ index .Values.a .Values.b }}", &["a[]", "b"]),
        ("{{ get .Values.a \"b\" }}{{ if hasKey .Values.c \"d\" }}{{ end }}", &["a.b", "c.d?"]),
        ("{{ dig \"b\" \"c\" \"x\" .Values.a }}", &["a.b.c"]),
        ("{{ .Values.a | default .Values.b | quote }}", &["a", "b"]),
        ("{{ coalesce .Values.a .Values.b }}{{ ternary .Values.c .Values.d .Values.e }}", &["a", "b", "c", "d", "e?"]),
        ("{{ required \"x\" .Values.a }}{{ if and .Values.b (not .Values.c) }}{{ end }}", &["a", "b?", "c?"]),
        ("{{ tpl .Values.a . }}{{ tpl (toYaml .Values.b) $ }}", &["a tpl", "b** tpl"]),
        ("{{ $x := .Values.a }}{{ $x.b }}", &["a.b"]),
        ("{{ $x := 1 }}{{ if .Values.a }}{{ $x = .Values.b }}{{ end }}{{ $x }}", &["a?", "b"]),
        ("{{ define \"t\" }}{{ .Values.a }}{{ end }}{{ include \"t\" . }}", &["a"]),
        (
            "{{ define \"t\" }}{{ .p.b }}{{ $.r.Values.c }}{{ end }}{{ include \"t\" (dict \"p\" .Values.a \"r\" $) }}",
            &["a.b", "c"],
        ),
        ("{{ define \"t\" }}{{ .a }}{{ end }}{{ template \"t\" .Values.x }}", &["x.a"]),
        ("{{ define \"t\" }}{{ .Values.a }}{{ end }}", &[]),
        ("{{ define \"shop.x\" }}{{ .Values.a }}{{ end }}{{ include (printf \"%s.x\" .Chart.Name) . }}", &["a"]),
        (
            "{{ define \"t\" }}{{ index . 1 | quote }}{{ (first .).Values.b }}{{ end }}{{ include \"t\" (list $ .Values.a) }}",
            &["a", "b"],
        ),
        ("{{ range list \"a\" \"b\" }}{{ index $.Values . }}{{ end }}", &["a", "b"]),
        ("{{ $m := merge (dict \"x\" .Values.a) .Values.b }}{{ $m.x }}{{ $m.y }}", &["a", "b.x", "b.y"]),
        ("{{ $m := pick .Values.a \"b\" }}{{ toYaml $m }}", &["a.b**"]),
        ("{{ toYaml (omit .Values.a \"b\") }}", &["a**"]),
        ("{{ $d := dict }}{{ $_ := set $d \"k\" .Values.a }}{{ $d.k.b }}", &["a.b"]),
        ("{{ $_ := set .Values \"x\" .Values.a }}{{ .Values.x.b }}", &["a.b", "x.b"]),
        ("{{ mystery .Values.a }}", &["a**"]),
        ("{{ .Release.Name }}{{ .Chart.Version }}{{ .Files.Get \"x\" }}{{ .Capabilities.KubeVersion }}", &[]),
        ("{{/* {{ .Values.a }} */}}", &[]),
        ("{{ `{{ .Values.a }}` }}{{ \"{{ .Values.b }}\" }}", &[]),
        ("{{ $x := .Values.a }}", &[]),
        ("{{ keys .Values.a | sortAlpha | join \",\" }}", &["a[]"]),
        ("{{ range values .Values.a }}{{ .b }}{{ end }}", &["a[]", "a[].b"]),
        ("{{ join \",\" .Values.a }}{{ has \"x\" .Values.b }}", &["a[]", "a[]", "b[]", "b[]"]),
        ("{{ toYaml .Values }}", &[]),
    ];
    for (text, wanted) in cases {
        assert_eq!(keys(text), *wanted, "{text}");
    }
}

#[test]
fn charts_in_a_chart_read_their_own_key_and_one_global() {
    let (scanned, told) = scanned(&[
        (
            "Chart.yaml",
            "name: shop\nversion: 1.0.0\ndependencies:\n- {name: db, alias: store, condition: store.on}\n- {name: gone}\n",
        ),
        ("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("charts/db/templates/t.yaml", "{{ .Values.a }}{{ .Values.global.b }}{{ include \"x\" . }}"),
        ("charts/lib/Chart.yaml", "name: lib\nversion: 1.0.0\ntype: library\n"),
        ("charts/lib/templates/_x.tpl", "{{ define \"x\" }}{{ .Values.c }}{{ end }}"),
        ("charts/lib/templates/x.yaml", "{{ .Values.d }}"),
    ]);
    assert_eq!(told, ["TL0958 the chart `gone` is not read: there is no `charts/gone/`"]);
    assert_eq!(ways(&scanned), ["global**", "global.b", "gone**", "store.a", "store.c", "store.on?"]);
}

#[test]
fn the_chart_s_own_templates_win_over_those_of_charts_in_it() {
    let (scanned, _) = scanned(&[
        ("templates/t.yaml", "{{ define \"x\" }}{{ .Values.a }}{{ end }}{{ include \"x\" . }}"),
        ("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("charts/db/templates/t.yaml", "{{ define \"x\" }}{{ .Values.b }}{{ end }}{{ include \"x\" . }}"),
    ]);
    assert_eq!(ways(&scanned), ["a", "db.a"]);
}

#[test]
fn a_default_that_is_a_template_reads_too() {
    let (scanned, _) = scanned(&[
        (
            "values.yaml",
            "host: 'db.{{ .Values.domain }}'\nlist: [{v: '{{ .Values.inList }}'}]\nplain: '{{ .Values.no }}'\n",
        ),
        (
            "templates/t.yaml",
            "{{ tpl .Values.host $ }}{{ range .Values.list }}{{ tpl .v $ }}{{ end }}{{ .Values.plain }}",
        ),
    ]);
    assert_eq!(ways(&scanned), ["domain", "host tpl", "inList", "list[]", "list[].v tpl", "plain"]);
}

#[test]
fn recursion_ends() {
    let text =
        "{{ define \"t\" }}{{ .v }}{{ range .c }}{{ include \"t\" . }}{{ end }}{{ end }}{{ include \"t\" .Values.a }}";
    let found = keys(text);
    assert_eq!(found[..3], ["a.c[]", "a.c[].c[]", "a.c[].c[].c[]"], "{found:?}");
    assert!(found.contains(&"a.v".to_owned()) && found.iter().any(|way| way.ends_with("**")), "{found:?}");
}

#[test]
fn what_cannot_be_followed_is_said() {
    let (scanned, told) =
        scanned(&[("templates/t.yaml", "{{ .Values.a }}{{ .Values.b & }}{{ include \"gone\" .Values.c }}")]);
    assert_eq!(told, ["TL0956 this part of the template cannot be read: `&` means nothing in an action"]);
    assert_eq!(
        (ways(&scanned), scanned.unread.as_slice()),
        (vec!["a".to_owned(), "c**".into()], ["templates/t.yaml".to_owned()].as_slice())
    );
    let (_, told) = scanned_one("{{ include \"gone\" .Values.c }}");
    assert_eq!(told, ["TL0961 no template is named `gone`, so what it reads is not known"]);
}

fn scanned_one(text: &str) -> (Scanned, Vec<String>) {
    scanned(&[("templates/t.yaml", text)])
}

/// What is said of values for a chart, without places.
fn told(files: &[(&str, &str)], values: &str) -> Vec<String> {
    let (scanned, _) = scanned(files);
    let source = Source { id: SourceId(1000), name: "v.yaml".to_owned(), text: values.to_owned() };
    let mut diags = Diags::default();
    scanned.check(&[Arc::new(source)], &mut diags);
    diags.sorted().iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
}

fn against(schema: &str, values: &str) -> Vec<String> {
    told(&[("templates/t.yaml", "{{ toYaml .Values.a }}"), ("values.schema.json", schema)], values)
}

#[test]
fn schemas_forbid_what_they_say() {
    let cases: &[(&str, &str, &[&str])] = &[
        (r#"{"properties":{"a":{"type":"integer"}}}"#, "a: 1", &[]),
        (
            r#"{"properties":{"a":{"type":"integer"}}}"#,
            "a: x",
            &["TL0952 `a` is text, and the chart's schema wants a whole number"],
        ),
        (
            r#"{"properties":{"a":{"type":["string","null"]}}}"#,
            "a: [1]",
            &["TL0952 `a` is a list, and the chart's schema wants text or null"],
        ),
        (r#"{"required":["b"]}"#, "a: 1", &["TL0952 the set of values has no `b`, which the chart's schema requires"]),
        (r#"{"properties":{"a":{"items":{"minimum":3}}}}"#, "a: [3, 2]", &["TL0952 `a[1]` must be 3 or more"]),
        (r#"{"properties":{"a":{"enum":["x","why"]}}}"#, "a: wy", &["TL0952 `a` is not one of `x`, `why`"]),
        (
            r#"{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"integer","maximum":5}]}}}"#,
            "a: 9",
            &["TL0952 `a` must be 5 or less"],
        ),
        (
            r#"{"properties":{"a":{"oneOf":[{"minimum":1},{"maximum":9}]}}}"#,
            "a: 5",
            &["TL0952 `a` fits more than one of the forms of which the chart's schema wants one"],
        ),
        (
            r#"{"properties":{"a":{"not":{"const":1}}}}"#,
            "a: 1",
            &["TL0952 `a` has a form that the chart's schema forbids"],
        ),
        (
            r##"{"properties":{"a":{"$ref":"#/d"}},"d":{"minLength":3},"$defs":{}}"##,
            "a: ab",
            &["TL0959 `d` in the chart's schema is not checked", "TL0952 `a` has fewer than 3 characters"],
        ),
        (
            r##"{"$ref":"#"}"##,
            "a: 1",
            &["TL0959 a schema that refers to itself too deeply in the chart's schema is not checked"],
        ),
        (
            r#"{"properties":{"a":{"pattern":"^a+$"}}}"#,
            "a: ab",
            &["TL0952 `a` does not match the pattern `^a+$` of the chart's schema"],
        ),
        (
            r#"{"properties":{"a":{"pattern":"(?=x)"}}}"#,
            "a: ab",
            &["TL0959 the pattern `(?=x)` in the chart's schema is not checked"],
        ),
        (
            r#"{"properties":{"a":{"additionalProperties":false,"properties":{"bee":{}}}}}"#,
            "a: {be: 1}",
            &["TL0952 `a` has a key `be`, which the chart's schema forbids"],
        ),
        (
            r#"{"properties":{"a":{"uniqueItems":true,"maxItems":2}}}"#,
            "a: [1, 2, 1]",
            &["TL0952 `a` has more than 2 items", "TL0952 `a` holds the same item twice"],
        ),
        (r#"{"properties":{"a":false}}"#, "a: 1", &["TL0952 `a` is not allowed by the chart's schema"]),
        (
            r#"{"properties":{"a":{"contains":{}}}}"#,
            "a: [1]",
            &["TL0959 `contains` in the chart's schema is not checked"],
        ),
    ];
    for (schema, values, wanted) in cases {
        assert_eq!(against(schema, values), *wanted, "{schema} {values}");
    }
}

#[test]
fn unread_keys_of_every_depth() {
    let files = [
        ("values.yaml", "a: {x: 1}\ndead: 1\nlist: [{n: 1}]\nmap: {k: {v: 1}}\n"),
        (
            "templates/t.yaml",
            "{{ .Values.a.x }}{{ range .Values.list }}{{ .n }}{{ end }}{{ range $k, $v := .Values.map }}{{ $v.v }}{{ end }}",
        ),
    ];
    assert_eq!(told(&files, "a: {x: 2}\nlist: [{n: 2}]\nmap: {other: {v: 2}}\n"), Vec::<String>::new());
    assert_eq!(
        told(&files, "a: {y: 2}\ndead: 2\nlist: [{m: {deep: 2}}]\nmap: {other: {w: 2}}\nb: {c: d}\n"),
        [
            "TL0950 nothing in the chart reads `a.y`",
            "TL0951 no template reads `dead`, although the chart's own values have it",
            "TL0950 nothing in the chart reads `list[].m`",
            "TL0950 nothing in the chart reads `map.other.w`",
            "TL0950 nothing in the chart reads `b`",
        ]
    );
    let all = [("values.yaml", "a: 1\n"), ("templates/t.yaml", "{{ toYaml .Values }}")];
    assert_eq!(told(&all, "a: 2\nb: 3\n"), Vec::<String>::new());
    assert!(scanned(&all).0.surface().contains("(any)a\n"), "{}", scanned(&all).0.surface());
    assert_eq!(told(&files, "a: 1\nlist: {}\n")[0], "TL0953 `a` is a map in the chart, and a single value here");
}

#[test]
fn secrets_are_hidden_and_columns_stay() {
    let text = "password: hunter2\ntls:\n  key: |\n    line one\n    line two\nplain: seen # token abc\n";
    let source = Source { id: SourceId(1), name: "v.yaml".to_owned(), text: text.to_owned() };
    let shown = masked(&source).text;
    assert_eq!(shown.len(), text.len());
    for word in ["hunter2", "line one", "line two", "abc"] {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(shown.contains("plain: seen") && shown.contains("password: *******"), "{shown}");
    let broken = Source { text: "password: [hunter2\n".to_owned(), ..source };
    assert!(!masked(&broken).text.contains("hunter2"));
}
