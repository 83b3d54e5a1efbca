{{/* What an invoker's pod is told, and what of its node it gets. */}}

{{- define "stave.invoker.env" -}}
{{- $server := include "stave.serverHost" . -}}
{{- with .Values.invoker -}}
{{- /* NODE_NAME is who it is: the same name always gets the same number, and finds what an earlier pod of its node left. */}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: STAVE_INVOKERS_URL
  value: ws://{{ $server }}:{{ $.Values.server.ports.invokers }}
- name: STAVE_INVOKERS_TOKEN_FILE
  value: /run/secrets/stave/token
- name: STAVE_CONTAINERS_PROVIDER
  value: docker
- name: STAVE_CONTAINERS_API_HOST
  value: {{ .apiHost | default (printf "http://%s:%v" $server $.Values.server.ports.api) }}
{{- with .hostProfile }}
- name: STAVE_DOCKER_HOST_PROFILE
  value: {{ . }}
{{- end }}
{{- /* The places inside are always the same, whatever the profile says. */}}
{{- range $mount := include "stave.invoker.mounts" $ | fromYamlArray }}
{{- with $mount.variable }}
- name: {{ . }}
  value: {{ $mount.inside }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/*
The four places of a node that can be somewhere else: each value changes where its volume is taken from, and nothing else. Where they are by profile is what
src/containers/docker/host-paths.ts has.
*/}}
{{- define "stave.invoker.mounts" -}}
{{- $places := dict "cgroup" "/sys/fs/cgroup" "runc" "/run/docker/runtime-runc/moby" "containers" "/var/lib/docker/containers" "socket" "/var/run/docker.sock" -}}
{{- $paths := deepCopy $places -}}
{{- if eq .Values.invoker.hostProfile "ubuntu-snap" -}}
{{- $paths = mergeOverwrite $paths (dict "runc" "/run/snap.docker/runtime-runc/moby" "containers" "/var/snap/docker/common/var-lib-docker/containers") -}}
{{- end -}}
{{- range $name, $path := .Values.invoker.paths -}}
{{- if $path }}{{ $_ := set $paths $name $path }}{{ end -}}
{{- end -}}
- name: docker-socket
  inside: {{ $places.socket }}
  path: {{ $paths.socket }}
  type: Socket
{{- if ne $paths.cgroup "none" }}
- name: cgroup
  inside: {{ $places.cgroup }}
  variable: STAVE_DOCKER_PATHS_CGROUP
  path: {{ $paths.cgroup }}
  type: Directory
  optional: the fast suspension, where INVOKER_USE_RUNC is not set.
{{- end }}
{{- if ne $paths.runc "none" }}
- name: runc
  inside: {{ $places.runc }}
  variable: STAVE_DOCKER_PATHS_RUNC
  path: {{ $paths.runc }}
  type: DirectoryOrCreate
  optional: only with INVOKER_USE_RUNC=true, and then the node's runc has to be mounted, too (docker.paths.runcBinary).
{{- end }}
{{- if ne $paths.containers "none" }}
- name: containers
  inside: {{ $places.containers }}
  variable: STAVE_DOCKER_PATHS_CONTAINERS
  path: {{ $paths.containers }}
  type: DirectoryOrCreate
  readOnly: true
  optional: stave doctor looks whether it is there.
{{- end }}
{{- end -}}
