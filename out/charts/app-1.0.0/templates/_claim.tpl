{{/* A claim for one volume. */}}
{{- define "app.claim" -}}
accessModes:
  - ReadWriteOnce
{{- with .class }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ default "1Gi" .size }}
{{- end }}
