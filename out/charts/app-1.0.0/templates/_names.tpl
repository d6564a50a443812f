{{/* Names and labels. Each takes a dict with `root` and `name`, the name of a workload. */}}

{{- define "app.name" -}}
{{- $full := printf "%s-%s" .root.Values.name .name -}}
{{- if gt (len $full) 52 -}}{{- fail (printf "the name %s has more than 52 characters" $full) -}}{{- end -}}
{{- $full -}}
{{- end }}

{{- define "app.selector" -}}
app.kubernetes.io/instance: {{ .root.Values.name }}
app.kubernetes.io/name: {{ .name }}
{{- end }}

{{- define "app.labels" -}}
{{ include "app.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* The service account of a workload. */}}
{{- define "app.account" -}}
{{- $cluster := dig .name dict (default dict .root.Values.cluster) -}}
{{- default (include "app.name" .) $cluster.account -}}
{{- end }}

{{/* Names of the workloads that run in the pod of this one, as JSON. */}}
{{- define "app.sidecars" -}}
{{- $owner := .name -}}
{{- $sidecars := list -}}
{{- range $name, $w := .root.Values.workloads -}}
{{- if eq (default "" $w.beside) $owner -}}{{- $sidecars = append $sidecars $name -}}{{- end -}}
{{- end -}}
{{- toJson $sidecars -}}
{{- end }}

{{/* The ports of its pod: its own, and those of what runs beside it; as JSON. */}}
{{- define "app.ports" -}}
{{- $root := .root -}}
{{- $ports := dict -}}
{{- range prepend (include "app.sidecars" . | fromJsonArray) .name -}}
{{- range $port, $at := (index $root.Values.workloads .).ports -}}
{{- if hasKey $ports $port -}}{{- fail (printf "two programs of one pod have a port %s" $port) -}}{{- end -}}
{{- $_ := set $ports $port $at -}}
{{- end -}}
{{- end -}}
{{- toJson $ports -}}
{{- end }}

{{/* `service`, `job`, `cron` or `init`. */}}
{{- define "app.role" -}}
{{- default "service" .role -}}
{{- end }}

{{/* The claims of its pod by the names that volumes have there: what runs beside it puts its own name before. As JSON. */}}
{{- define "app.claims" -}}
{{- $root := .root -}}
{{- $claims := dict -}}
{{- range $volume, $it := (index .root.Values.workloads .name).volumes -}}{{- $_ := set $claims $volume $it -}}{{- end -}}
{{- range $name := include "app.sidecars" . | fromJsonArray -}}
{{- range $volume, $it := (index $root.Values.workloads $name).volumes -}}
{{- if not $it.of -}}{{- $_ := set $claims (printf "%s-%s" $name $volume) $it -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $claims -}}
{{- end }}

{{/* `StatefulSet` for what keeps data, `Deployment` for what does not. Takes a dict with `root` and `name`. */}}
{{- define "app.kind" -}}
{{- if or (index .root.Values.workloads .name).stateful (include "app.claims" . | fromJson) -}}StatefulSet{{- else -}}Deployment{{- end -}}
{{- end }}

{{/* The key of a configuration file: readable, and another one for each path. */}}
{{- define "app.fileKey" -}}
{{- printf "%s-%s" (sha256sum . | trunc 8) (regexReplaceAll "[^-._a-zA-Z0-9]" (base .) "_") -}}
{{- end }}

{{/* The variable that holds a secret for others to refer to. */}}
{{- define "app.variable" -}}
{{- regexReplaceAll "^([0-9])" (regexReplaceAll "[^A-Z0-9]" (upper (printf "%s_%s" .name .key)) "_") "_${1}" -}}
{{- end }}

{{/* A text that Kubernetes does not expand. */}}
{{- define "app.text" -}}
{{- toString . | replace "$" "$$" | toJson -}}
{{- end }}

{{/* Whole seconds of `10s`, `1m`, `2h` or `3000ms`. */}}
{{- define "app.seconds" -}}
{{- $number := regexFind "^[0-9]+" (toString .) | int64 -}}
{{- if hasSuffix "ms" (toString .) -}}
{{- if mod $number 1000 -}}{{- fail (printf "%s is no whole number of seconds" (toString .)) -}}{{- end -}}
{{- div $number 1000 -}}
{{- else if hasSuffix "m" (toString .) -}}
{{- mul $number 60 -}}
{{- else if hasSuffix "h" (toString .) -}}
{{- mul $number 3600 -}}
{{- else -}}
{{- $number -}}
{{- end -}}
{{- end }}
