{{/* One container. Takes a dict with `root`, `name` and `main`: whether it is more than a step before others. */}}
{{- define "app.container" -}}
{{- $w := index .root.Values.workloads .name -}}
{{- $cluster := dig .name dict (default dict .root.Values.cluster) -}}
{{- $name := .name -}}
- name: {{ .name }}
  image: {{ $w.image | quote }}
  {{- with $w.pull }}
  imagePullPolicy: {{ . }}
  {{- end }}
  {{- with $w.command }}
  command:
    {{- range . }}
    - {{ include "app.text" . }}
    {{- end }}
  {{- end }}
  {{- with $w.args }}
  args:
    {{- range . }}
    - {{ include "app.text" . }}
    {{- end }}
  {{- end }}
  {{- with $w.env }}
  env:
    {{- include "app.env" . | trim | nindent 4 }}
  {{- end }}
  {{- with $w.ports }}
  ports:
    {{- range $port, $it := . }}
    - name: {{ $port }}
      containerPort: {{ $it.number }}
      protocol: {{ upper (default "tcp" $it.protocol) }}
    {{- end }}
  {{- end }}
  {{- if .main }}
  {{- with dig "health" "liveness" nil $w }}
  livenessProbe:
    {{- include "app.probe" . | nindent 4 }}
  {{- end }}
  {{- with dig "health" "readiness" nil $w }}
  readinessProbe:
    {{- include "app.probe" . | nindent 4 }}
  {{- if and .start (not (dig "health" "startup" nil $w)) }}
  startupProbe:
    {{- include "app.ask" . | nindent 4 }}
    periodSeconds: {{ include "app.seconds" (default "10s" .period) }}
    {{- with .timeout }}
    timeoutSeconds: {{ include "app.seconds" . }}
    {{- end }}
    {{- $period := include "app.seconds" (default "10s" .period) | int64 }}
    failureThreshold: {{ max 1 (div (sub (add (include "app.seconds" .start | int64) $period) 1) $period) }}
  {{- end }}
  {{- end }}
  {{- with dig "health" "startup" nil $w }}
  startupProbe:
    {{- include "app.probe" . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with $w.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    allowPrivilegeEscalation: {{ dig "security" "escalation" false $w }}
    {{- with dig "security" "drop" (ternary list (list "ALL") (default false $cluster.root)) $w }}
    capabilities:
      drop:
        {{- toYaml . | nindent 8 }}
    {{- end }}
    {{- if hasKey (default dict $w.security) "read-only-root" }}
    readOnlyRootFilesystem: {{ index $w.security "read-only-root" }}
    {{- end }}
    runAsNonRoot: {{ not $cluster.root }}
    {{- with dig "security" "user" nil $w }}
    runAsUser: {{ int64 . }}
    {{- end }}
    {{- with dig "security" "group" nil $w }}
    runAsGroup: {{ int64 . }}
    {{- end }}
  {{- if or $w.volumes $w.tmpfs $w.files }}
  volumeMounts:
    {{- range $volume, $it := $w.volumes }}
    - name: {{ if or $it.of (not $w.beside) }}{{ $volume }}{{ else }}{{ $name }}-{{ $volume }}{{ end }}
      mountPath: {{ $it.at | quote }}
    {{- end }}
    {{- range $at, $path := $w.tmpfs }}
    - name: {{ $name }}-tmp-{{ $at }}
      mountPath: {{ $path | quote }}
    {{- end }}
    {{- range $path, $it := $w.files }}
    {{- if $it.secret }}
    - name: {{ $name }}-{{ sha256sum $path | trunc 8 }}
      mountPath: {{ $path | quote }}
      subPath: file
      readOnly: true
    {{- else }}
    - name: {{ $name }}-files
      mountPath: {{ $path | quote }}
      subPath: {{ include "app.fileKey" $path }}
      readOnly: true
    {{- end }}
    {{- end }}
  {{- end }}
{{- end }}

{{/* Variables. A text with secrets in it refers to variables that stand before it. */}}
{{- define "app.env" -}}
{{- $held := dict -}}
{{- range $variable, $it := . -}}
{{- range $it.parts -}}
{{- with .secret -}}{{- $_ := set $held (include "app.variable" .) . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $env := . -}}
{{- range $variable, $it := $held }}
{{- if not (hasKey $env $variable) }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $it.name }}
      key: {{ $it.key | quote }}
{{- end }}
{{- end }}
{{- range $variable, $it := . }}
- name: {{ $variable | quote }}
  {{- if $it.parts }}
  value: {{ include "app.parts" $it.parts }}
  {{- else if and $it.secret $it.file }}
  value: {{ printf "/run/secrets/%s/%s" $it.secret.name $it.secret.key | quote }}
  {{- else if $it.secret }}
  valueFrom:
    secretKeyRef:
      name: {{ $it.secret.name }}
      key: {{ $it.secret.key | quote }}
  {{- else }}
  value: {{ include "app.text" $it.value }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "app.parts" -}}
{{- $text := "" -}}
{{- range . -}}
{{- if .secret -}}
{{- $text = printf "%s$(%s)" $text (include "app.variable" .secret) -}}
{{- else -}}
{{- $text = printf "%s%s" $text (toString .value | replace "$" "$$") -}}
{{- end -}}
{{- end -}}
{{- toJson $text -}}
{{- end }}

{{/* What a check asks. */}}
{{- define "app.ask" -}}
{{- with .http -}}
httpGet:
  path: {{ .path | quote }}
  port: {{ .port }}
{{- end }}
{{- with .tcp -}}
tcpSocket:
  port: {{ .port }}
{{- end }}
{{- with .exec -}}
exec:
  command:
    {{- range . }}
    - {{ include "app.text" . }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "app.probe" -}}
{{ include "app.ask" . }}
{{- with .period }}
periodSeconds: {{ include "app.seconds" . }}
{{- end }}
{{- with .delay }}
initialDelaySeconds: {{ include "app.seconds" . }}
{{- end }}
{{- with .timeout }}
timeoutSeconds: {{ include "app.seconds" . }}
{{- end }}
{{- with .failures }}
failureThreshold: {{ int64 . }}
{{- end }}
{{- end }}
