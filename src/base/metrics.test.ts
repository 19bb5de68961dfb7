// Metrics as Prometheus reads them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_SERIES, Metrics } from './metrics.ts'

test('counters, gauges and histograms are written as Prometheus text', () => {
  const metrics = new Metrics()
  const requests = metrics.counter('requests_total', 'Requests.', ['verb', 'code'])
  requests.add(1, 'GET', '200')
  requests.add(2, 'GET', '200')
  requests.with('PUT', 'a"b\\c\nd').value++
  metrics.gauge('in_flight', 'Requests\nnow.').set(3)
  const seconds = metrics.histogram('seconds', 'How long.', ['verb'], [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value, 'GET')
  assert.equal(
    metrics.text(),
    [
      '# HELP in_flight Requests\\nnow.',
      '# TYPE in_flight gauge',
      'in_flight 3',
      '# HELP requests_total Requests.',
      '# TYPE requests_total counter',
      'requests_total{verb="GET",code="200"} 3',
      'requests_total{verb="PUT",code="a\\"b\\\\c\\nd"} 1',
      '# HELP seconds How long.',
      '# TYPE seconds histogram',
      'seconds_bucket{verb="GET",le="0.1"} 2',
      'seconds_bucket{verb="GET",le="1"} 3',
      'seconds_bucket{verb="GET",le="+Inf"} 4',
      'seconds_sum{verb="GET"} 7.65',
      'seconds_count{verb="GET"} 4',
      '',
    ].join('\n'),
  )
})

test('a metric does not grow without limit', () => {
  const metrics = new Metrics()
  const counter = metrics.counter('c', 'C.', ['who', 'what'])
  for (let i = 0; i < MAX_SERIES + 10; i++) counter.add(1, String(i), 'x')
  const lines = [...counter.lines()]
  assert.equal(lines.length, MAX_SERIES + 1)
  assert.equal(lines.at(-1), 'c{who="",what=""} 10')
})

test('one name is one metric', () => {
  const metrics = new Metrics()
  metrics.counter('c', 'C.')
  assert.throws(() => metrics.gauge('c', 'C.'), /declared twice/)
})
