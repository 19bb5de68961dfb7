// Requests for certificates: what is read from them, what is wrong with them, what a decision may change.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, problems, statusChanged } from '../../testing/kinds.ts'
import { certificateSigningRequests as csrs } from './certificate-signing-request.ts'
import { parseRequest } from './request.ts'

const CLIENT = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWE1IOENBUUF3SFRFTU1Bb0dBMVVFQ2d3RFpHVjJNUTB3Q3dZRFZRUUREQV',
  'JxWVc1bE1Ga3dFd1lIS29aSQp6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUVYa1htK2poWlN2SGpqZUZrMUo1dVdDUE82VHZCVHIyNXo3MkRNZkFt',
  'CnhENEdndVJobCtxQjNDQ3JjMnc3WlFiU1NhMTcxSGdUakhJbWZZS0o2Q0dRazZBQU1Bb0dDQ3FHU000OUJBTUMKQTBnQU1FVUNJQ0xHc1ZhS3',
  'V6azNuMnNEMnJWdkZCbmpnVDk1akY3d1kzMHRwQ3NBWVBVeUFpRUFwU3VpSmlCTApEbDluV2xMZU5xZ3dEdmlsL3NyOGdFR2Q4VWNvLzc3UDRJ',
  'Zz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==',
].join('')
const MASTER = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQkpEQ0J5Z0lCQURBb01SY3dGUVlEVlFRS0RBNXplWE4wWlcwNmJXRnpkR1',
  'Z5Y3pFTk1Bc0dBMVVFQXd3RQphbUZ1WlRCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkY1RjV2bzRXVXJ4NDQzaFpOU2VibGdq',
  'Cnp1azd3VTY5dWMrOWd6SHdKc1ErQm9Ma1laZnFnZHdncTNOc08yVUcwa210ZTlSNEU0eHlKbjJDaWVnaGtKT2cKUURBK0Jna3Foa2lHOXcwQk',
  'NRNHhNVEF2TUMwR0ExVWRFUVFtTUNTQ0NXRXVaWGhoYlhCc1pZY0VDZ0FBQVlFRgpZVUJpTG1PR0NuTndhV1ptWlRvdkwzZ3dDZ1lJS29aSXpq',
  'MEVBd0lEU1FBd1JnSWhBSVlLN2VPZ2dRSXNYWFN5CngwVVQwcnRCbWh2Rm5PL3Z3eCtRU2VQZmo2WVBBaUVBN0dUb0NhcWFuUlkweFczYm8xNU',
  'pLWElHcEoxM2RlNlEKOTFPWTBlSElpbzA9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=',
].join('')

const asked = { request: CLIENT, signerName: 'example.com/signer', usages: ['client auth'] }
const csr = (spec: object, status: object = {}): object => ({ spec: { ...asked, ...spec }, status })

test('a request is read', () => {
  const { commonName, organizations } = parseRequest(CLIENT)
  assert.deepEqual([commonName, organizations], ['jane', ['dev']])
  const { dnsNames, emailAddresses, uris, ipAddresses, ...rest } = parseRequest(MASTER)
  assert.deepEqual([dnsNames, emailAddresses, uris], [['a.example'], ['a@b.c'], ['spiffe://x']])
  assert.deepEqual(
    ipAddresses.map((ip) => ip.join('.')),
    ['10.0.0.1'],
  )
  assert.deepEqual(rest.organizations, ['system:masters'])
  assert.equal(rest.signatureAlgorithm, '1.2.840.10045.4.3.2')
})

describe('a new request', () => {
  const cases: Record<string, [object, string[]]> = {
    'is valid': [{}, []],
    'is PEM of a request': [
      { request: btoa('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') },
      [
        'spec.request: Invalid value: "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=": PEM block type must be CERTIFICATE REQUEST',
      ],
    ],
    'has usages': [{ usages: [] }, ['spec.usages: Required value']],
    'names a usage once': [{ usages: ['any', 'any'] }, ['spec.usages[1]: Duplicate value: "any"']],
    'names a signer': [{ signerName: '' }, ['spec.signerName: Required value']],
    'names no signer of old': [
      { signerName: 'kubernetes.io/legacy-unknown' },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    'names a signer with a domain and a path': [
      { signerName: 'signer' },
      [
        `spec.signerName: Invalid value: "signer": must be a fully qualified domain and path of the form 'example.com/signer-name'`,
      ],
    ],
    'names a signer of a domain with a dot': [
      { signerName: 'local/signer' },
      ['spec.signerName: Invalid value: "local": should be a domain with at least two segments separated by dots'],
    ],
    'is for ten minutes at least': [
      { expirationSeconds: 599 },
      ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(csrs, csr(spec)), want))
  }
})

describe('a decision', () => {
  const condition = (type: string, status = 'True'): object => ({ type, status })
  const status = (...conditions: object[]): object => csr({}, { conditions })
  test('is not for /status', () => {
    assert.deepEqual(statusChanged(csrs, status(), status(condition('Approved'))), [
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ])
    assert.deepEqual(
      statusChanged(csrs, status(condition('Denied')), status({ ...condition('Denied'), reason: 'x' })),
      ['status.conditions: Forbidden: updates may not modify a condition of type "Denied"'],
    )
  })
  test('stays, and so does a failure', () => {
    assert.deepEqual(statusChanged(csrs, status(condition('Failed')), status()), [
      'status.conditions: Forbidden: updates may not remove a condition of type "Failed"',
    ])
  })
  test('is true, and one', () => {
    const both = status(condition('Approved', 'False'), condition('Denied'))
    assert.deepEqual(changed(csrs, status(), both).slice(0, 2), [
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ])
  })
})

describe('a certificate', () => {
  const issued = (text: string): object => csr({}, { certificate: btoa(text) })
  const pem = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'
  test('is PEM', () => {
    assert.deepEqual(statusChanged(csrs, csr({}), issued(pem)), [])
    assert.deepEqual(statusChanged(csrs, csr({}), issued('x')), [
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    ])
  })
  test('is issued by way of /status, once', () => {
    assert.deepEqual(changed(csrs, csr({}), issued(pem)), [
      'status.certificate: Forbidden: updates may not set certificate content',
    ])
    assert.deepEqual(statusChanged(csrs, issued(pem), issued(pem + pem)), [
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ])
  })
})

test('a row says what has become of a request', () => {
  const conditions = [{ type: 'Approved', status: 'True' }]
  assert.deepEqual(
    cells(csrs, csr({ expirationSeconds: 7200, username: 'jane' }, { conditions, certificate: 'MAA=' })),
    {
      Age: '<unknown>',
      SignerName: 'example.com/signer',
      Requestor: 'jane',
      RequestedDuration: '120m',
      Condition: 'Approved,Issued',
    },
  )
})
