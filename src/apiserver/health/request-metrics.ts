// Counts what goes through the pipeline, under upstream's names, so that dashboards and alerts made for any Kubernetes work.

import type { Clock } from '../../base/clock.ts'
import {
  type Cell,
  type Histogram,
  type HistogramCell,
  MAX_SERIES,
  type Metric,
  type Metrics,
} from '../../base/metrics.ts'
import type { ApiRequest, ApiResponse, Handle, WatchFrame } from '../../client/door.ts'
import { type RequestInfo, tryParseRequest } from '../request-info.ts'
import type { Pipeline } from '../server.ts'

const LABELS = ['verb', 'dry_run', 'group', 'version', 'resource', 'subresource', 'scope', 'component']
/** Upstream's bounds, in seconds. */
const SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' }
const CONNECTS = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])

interface Instruments {
  requests: Metric
  seconds: Histogram
  reading: Cell
  changing: Cell
  longRunning: Metric
  watchEvents: Metric
}

/** The pipeline, counted. Everything that passes is counted once: by both doors, whatever the answer. */
export function counted(pipeline: Pipeline, metrics: Metrics, clock: Clock): Handle {
  const inFlight = metrics.gauge('apiserver_current_inflight_requests', 'Requests that are being worked on.', [
    'request_kind',
  ])
  const instruments: Instruments = {
    requests: metrics.counter(
      'apiserver_request_total',
      'Requests by verb, dry run, group, version, resource, scope, component and HTTP code.',
      [...LABELS, 'code'],
    ),
    seconds: metrics.histogram(
      'apiserver_request_duration_seconds',
      'How long answers took in seconds, long-running requests aside.',
      LABELS,
      SECONDS,
    ),
    reading: inFlight.with('readOnly'),
    changing: inFlight.with('mutating'),
    longRunning: metrics.gauge('apiserver_longrunning_requests', 'Watches and streams that are open.', LABELS),
    watchEvents: metrics.counter('apiserver_watch_events_total', 'Events sent to watches.', [
      'group',
      'version',
      'resource',
    ]),
  }
  const series = new SeriesOfRequests(instruments)
  return (request) => count(pipeline, request, { instruments, series, clock })
}

interface Counting {
  instruments: Instruments
  series: SeriesOfRequests
  clock: Clock
}

async function count(pipeline: Pipeline, request: ApiRequest, to: Counting): Promise<ApiResponse> {
  const { instruments, clock } = to
  const start = clock.monotonic()
  const reads = request.method === 'GET' || request.method === 'HEAD'
  const inFlight = reads ? instruments.reading : instruments.changing
  inFlight.value++
  try {
    const parsed = tryParseRequest(request.method, request.path, request.query)
    const answer = await pipeline(request, parsed)
    const { info } = parsed
    const series = to.series.of(info, request)
    series.answered(answer.status).value++
    const { body } = answer
    if (body.kind === 'watch' && info)
      return { ...answer, body: { kind: 'watch', events: observed(body.events, info, series.labels, instruments) } }
    if (body.kind !== 'stream') series.seconds.observe((clock.monotonic() - start) / 1000)
    return answer
  } finally {
    inFlight.value--
  }
}

/** The counters of requests that are alike, found by one look-up. */
interface Series {
  readonly labels: readonly string[]
  readonly seconds: HistogramCell
  answered(status: number): Cell
}

const NO_LABELS = LABELS.map(() => '')

class SeriesOfRequests {
  readonly #instruments: Instruments
  readonly #known = new Map<string, Series>()

  constructor(instruments: Instruments) {
    this.#instruments = instruments
  }

  of(info: RequestInfo | undefined, request: ApiRequest): Series {
    const labels = info ? labelsOf(info, request) : NO_LABELS
    const key = labels.join(' ')
    let series = this.#known.get(key)
    if (series === undefined) {
      series = this.#make(labels)
      if (this.#known.size < MAX_SERIES) this.#known.set(key, series)
    }
    return series
  }

  #make(labels: readonly string[]): Series {
    const { requests, seconds } = this.#instruments
    const byStatus = new Map<number, Cell>()
    return {
      labels,
      seconds: seconds.with(...labels),
      answered(status) {
        let cell = byStatus.get(status)
        if (cell === undefined) {
          cell = requests.with(...labels, String(status))
          byStatus.set(status, cell)
        }
        return cell
      },
    }
  }
}

function labelsOf(info: RequestInfo, { query, headers }: ApiRequest): string[] {
  const { group, version, resource, subresource, namespace, name } = info
  const dryRun = query.has('dryRun') ? 'All' : ''
  // Whatever is asked for in a path that is no resource must not become a label.
  if (!info.isResource) return [info.verb.toUpperCase(), dryRun, '', '', '', '', '', 'apiserver']
  const scope = name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster'
  const applies = (headers['content-type'] ?? '').startsWith('application/apply-patch')
  const connects = CONNECTS.has(subresource)
  const verb = connects ? 'CONNECT' : applies ? 'APPLY' : (VERBS[info.verb] ?? info.verb.toUpperCase())
  return [verb, dryRun, group, version, resource, subresource, scope, 'apiserver']
}

/** Counts the events as they are taken, without another generator between the cache and the reader. */
function observed(
  events: AsyncIterable<readonly WatchFrame[]>,
  { group, version, resource }: RequestInfo,
  labels: readonly string[],
  to: Instruments,
): AsyncIterable<readonly WatchFrame[]> {
  const sent = to.watchEvents.with(group, version, resource)
  const open = to.longRunning.with(...labels)
  return new ObservedEvents(events, sent, open)
}

type Events = AsyncIterator<readonly WatchFrame[], undefined>

class ObservedEvents implements AsyncIterableIterator<readonly WatchFrame[], undefined> {
  readonly #inner: Events
  readonly #sent: Cell
  /** Absent once it is over. */
  #open: Cell | undefined

  constructor(events: AsyncIterable<readonly WatchFrame[]>, sent: Cell, open: Cell) {
    this.#inner = events[Symbol.asyncIterator]() as Events
    this.#sent = sent
    this.#open = open
    open.value++
  }

  async next(): ReturnType<Events['next']> {
    const result = await this.#inner.next()
    if (result.done) this.#end()
    else this.#sent.value += result.value.length
    return result
  }

  async return(): ReturnType<Events['next']> {
    this.#end()
    await this.#inner.return?.()
    return { done: true, value: undefined }
  }

  #end(): void {
    if (this.#open) this.#open.value--
    this.#open = undefined
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
