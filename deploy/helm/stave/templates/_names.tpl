{{/* Names, labels and what both components have in common. */}}

{{- define "stave.name" -}}
{{- .Release.Name | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{- define "stave.labels" -}}
app.kubernetes.io/name: stave
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "stave.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "stave.tokenSecret" -}}
{{- .Values.token.existingSecret | default (printf "%s-invokers" (include "stave.name" .)) -}}
{{- end -}}

{{/* Where the pods of a component go. */}}
{{- define "stave.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The platform tells of itself. */}}
{{- define "stave.probes" -}}
startupProbe:
  exec:
    command: [node, /stave/deploy/docker/probe.cjs, {{ .started }}]
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
readinessProbe:
  exec:
    command: [node, /stave/deploy/docker/probe.cjs, readyz]
  periodSeconds: 10
  timeoutSeconds: 5
livenessProbe:
  exec:
    command: [node, /stave/deploy/docker/probe.cjs, livez]
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}
