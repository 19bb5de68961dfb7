// The bytes that kubectl 1.35 sends for a new deployment, and what they mean.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deployments } from '../../src/api/apps/deployment.ts'
import { decodeProtobuf, encodeProtobuf } from '../../src/apimachinery/protobuf/protobuf.ts'

/** Captured from `kubectl create deployment web --image=nginx --replicas=0 --port=80`. */
const SENT = [
  'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErgBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEoYBCAASDAoKCgNh',
  'cHASA3dlYhpsChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkwSLgoFbmdpbngSBW5naW54KgAyCgoAEAAYUCIAKgBCAGoA',
  'cgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=',
].join('')

test('the deployment that kubectl 1.35 sends is read, and is the same after a round trip', () => {
  const deployment = decodeProtobuf(deployments.struct, Buffer.from(SENT, 'base64'))
  const labels = { app: 'web' }
  const container = { name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }], resources: {} }
  assert.deepEqual(deployment, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
      strategy: {},
    },
    status: {},
  })
  const again = encodeProtobuf(deployments.struct, { apiVersion: 'apps/v1', kind: 'Deployment' }, deployment)
  assert.deepEqual(decodeProtobuf(deployments.struct, again), deployment)
})
