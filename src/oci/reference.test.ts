// Tests of image references.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { familiarReference, normalizeReference, parseReference } from './reference.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('normalizeReference() completes what is typed', () => {
  const cases: Record<string, string> = {
    nginx: 'docker.io/library/nginx:latest',
    'nginx:1.25': 'docker.io/library/nginx:1.25',
    'library/nginx': 'docker.io/library/nginx:latest',
    'docker.io/nginx': 'docker.io/library/nginx:latest',
    'index.docker.io/nginx': 'docker.io/library/nginx:latest',
    'bitnami/redis': 'docker.io/bitnami/redis:latest',
    'localhost/app': 'localhost/app:latest',
    'localhost:5000/app:v1': 'localhost:5000/app:v1',
    '[::1]:5000/app': '[::1]:5000/app:latest',
    'registry.k8s.io/pause:3.9': 'registry.k8s.io/pause:3.9',
    'drover.internal/pause:1': 'drover.internal/pause:1',
    'a/b/c': 'docker.io/a/b/c:latest',
    [`nginx@${DIGEST}`]: `docker.io/library/nginx@${DIGEST}`,
    [`nginx:1@${DIGEST}`]: `docker.io/library/nginx:1@${DIGEST}`,
    'a__b--c.d': 'docker.io/library/a__b--c.d:latest',
  }
  for (const [text, want] of Object.entries(cases)) {
    test(text, () => assert.equal(normalizeReference(text), want))
  }
})

describe('parseReference() refuses', () => {
  const cases: Record<string, RegExp> = {
    '': /not a repository name/,
    Nginx: /must be lowercase/,
    'nginx:': /"" is not a tag/,
    'nginx:a/b': /not a repository name|not a registry/,
    'nginx@sha256:abc': /digest is not/,
    [`nginx@${DIGEST}@${DIGEST}`]: /more than one "@"/,
    '../etc/passwd': /not a/,
    'docker.io/../x': /not a repository name/,
    'a//b': /not a repository name/,
    'nginx latest': /not a repository name/,
    [`a.b/${'x'.repeat(260)}`]: /longer than 255/,
  }
  for (const [text, want] of Object.entries(cases)) {
    test(JSON.stringify(text), () => assert.throws(() => parseReference(text), want))
  }
})

test('normalizeReference is idempotent, and the familiar form means the same', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/)
  const host = fc.constantFrom('', 'docker.io/', 'quay.io/', 'localhost:5000/')
  fc.assert(
    fc.property(host, fc.array(part, { minLength: 1, maxLength: 3 }), fc.option(part), (registry, parts, tag) => {
      const full = normalizeReference(`${registry}${parts.join('/')}${tag === null ? '' : `:${tag}`}`)
      assert.equal(normalizeReference(full), full)
      assert.equal(normalizeReference(familiarReference(full)), full)
    }),
  )
})
