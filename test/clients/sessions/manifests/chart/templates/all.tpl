apiVersion: v1
kind: ConfigMap
metadata: { name: '{{ .Release.Name }}', labels: { app: '{{ .Release.Name }}' } }
data: { word: '{{ .Values.word }}', served: '{{ .Capabilities.KubeVersion.Version }}' }
---
apiVersion: v1
kind: Service
metadata: { name: '{{ .Release.Name }}', labels: { app: '{{ .Release.Name }}' } }
spec: { selector: { app: '{{ .Release.Name }}' }, ports: [{ name: http, port: {{ .Values.port }} }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: '{{ .Release.Name }}', labels: { app: '{{ .Release.Name }}' } }
spec:
  replicas: {{ .Values.count }}
  selector: { matchLabels: { app: '{{ .Release.Name }}' } }
  template:
    metadata: { labels: { app: '{{ .Release.Name }}' } }
    spec: { containers: [{ name: web, image: 'nginx:1', ports: [{ containerPort: {{ .Values.port }} }] }] }
---
apiVersion: charts.example.org/v1
kind: Widget
metadata: { name: '{{ .Release.Name }}', labels: { app: '{{ .Release.Name }}' } }
spec: { size: 3 }
{{- if .Capabilities.APIVersions.Has "batch/v1/CronJob" }}
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: '{{ .Release.Name }}', labels: { app: '{{ .Release.Name }}' } }
spec:
  schedule: '@daily'
  jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: c, image: busybox }] } } } }
{{- end }}
