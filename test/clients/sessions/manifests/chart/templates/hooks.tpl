apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}-before"
  annotations:
    {
      helm.sh/hook: "pre-install,pre-upgrade",
      helm.sh/hook-delete-policy: before-hook-creation,
      helm.sh/hook-weight: "-1",
    }
data: { revision: "{{ .Release.Revision }}" }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: "{{ .Release.Name }}-after"
  annotations:
    {
      helm.sh/hook: "post-install,post-rollback,pre-delete",
      helm.sh/hook-delete-policy: "hook-succeeded,before-hook-creation",
    }
