// Counters, gauges and histograms with labels, and their exposition as Prometheus text. Cheap where they count: a look-up and an addition.

import type { Clock } from './clock.ts'

/** A metric with more combinations of label values than this counts the further ones together, under empty values. */
export const MAX_SERIES = 10_000

export type LabelValues = readonly string[]

/** One combination of label values. Keep it where the same one is counted often. */
export interface Cell {
  value: number
}

type Kind = 'counter' | 'gauge'

/** A counter or a gauge. */
export class Metric {
  readonly name: string
  readonly help: string
  readonly kind: Kind
  readonly labels: readonly string[]
  readonly #cells = new Map<string, { labels: LabelValues; cell: Cell }>()

  constructor(kind: Kind, name: string, help: string, labels: readonly string[]) {
    this.kind = kind
    this.name = name
    this.help = help
    this.labels = labels
  }

  /** The cell of these label values, in the order of the metric's labels. */
  with(...values: string[]): Cell {
    return seriesOf(this.#cells, values, (labels) => ({ labels, cell: { value: 0 } })).cell
  }

  add(by: number, ...values: string[]): void {
    this.with(...values).value += by
  }

  set(value: number, ...values: string[]): void {
    this.with(...values).value = value
  }

  *lines(): Iterable<string> {
    for (const { labels, cell } of this.#cells.values()) {
      yield `${this.name}${labelText(this.labels, labels)} ${numberText(cell.value)}`
    }
  }
}

/** One combination of label values of a histogram. */
export class HistogramCell {
  readonly labels: LabelValues
  readonly #bounds: readonly number[]
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(labels: LabelValues, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.counts = new Array<number>(bounds.length).fill(0)
  }

  observe(value: number): void {
    this.sum += value
    this.count++
    for (let i = 0; i < this.#bounds.length; i++) {
      if (value > (this.#bounds[i] ?? Number.POSITIVE_INFINITY)) continue
      this.counts[i] = (this.counts[i] ?? 0) + 1
      return
    }
  }
}

export class Histogram {
  readonly name: string
  readonly help: string
  readonly kind = 'histogram'
  readonly labels: readonly string[]
  /** Upper bounds, ascending; the infinite one is implied. */
  readonly #bounds: readonly number[]
  readonly #cells = new Map<string, HistogramCell>()

  constructor(name: string, help: string, labels: readonly string[], bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.labels = labels
    this.#bounds = bounds
  }

  with(...values: string[]): HistogramCell {
    return seriesOf(this.#cells, values, (labels) => new HistogramCell(labels, this.#bounds))
  }

  observe(value: number, ...values: string[]): void {
    this.with(...values).observe(value)
  }

  *lines(): Iterable<string> {
    for (const { labels, counts, sum, count } of this.#cells.values()) {
      let total = 0
      for (const [i, bound] of this.#bounds.entries()) {
        total += counts[i] ?? 0
        yield `${this.name}_bucket${labelText([...this.labels, 'le'], [...labels, String(bound)])} ${total}`
      }
      yield `${this.name}_bucket${labelText([...this.labels, 'le'], [...labels, '+Inf'])} ${count}`
      yield `${this.name}_sum${labelText(this.labels, labels)} ${numberText(sum)}`
      yield `${this.name}_count${labelText(this.labels, labels)} ${count}`
    }
  }
}

const SEPARATOR = '\u0000'

function seriesOf<T>(series: Map<string, T>, values: LabelValues, make: (values: LabelValues) => T): T {
  const key = values.join(SEPARATOR)
  let found = series.get(key)
  if (!found) {
    if (series.size >= MAX_SERIES) {
      const rest = values.map(() => '').join(SEPARATOR)
      if (key !== rest) return seriesOf(series, rest.split(SEPARATOR), make)
    }
    found = make(values)
    series.set(key, found)
  }
  return found
}

/** All metrics of a process or of a server. */
export class Metrics {
  readonly #metrics = new Map<string, Metric | Histogram>()
  readonly #collectors: (() => void)[] = []

  counter(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#add(new Metric('counter', name, help, labels))
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#add(new Metric('gauge', name, help, labels))
  }

  histogram(name: string, help: string, labels: readonly string[], bounds: readonly number[]): Histogram {
    return this.#add(new Histogram(name, help, labels, bounds))
  }

  /** Called before every exposition, to set what is only known by looking. */
  collect(collector: () => void): void {
    this.#collectors.push(collector)
  }

  /** The Prometheus text format, version 0.0.4. */
  text(): string {
    for (const collector of this.#collectors) collector()
    const lines: string[] = []
    for (const metric of [...this.#metrics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      lines.push(`# HELP ${metric.name} ${metric.help.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'))}`)
      lines.push(`# TYPE ${metric.name} ${metric.kind}`, ...metric.lines())
    }
    return `${lines.join('\n')}\n`
  }

  #add<T extends Metric | Histogram>(metric: T): T {
    if (this.#metrics.has(metric.name)) throw new Error(`Bug: the metric ${metric.name} is declared twice`)
    this.#metrics.set(metric.name, metric)
    return metric
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

function labelText(names: readonly string[], values: LabelValues): string {
  if (names.length === 0) return ''
  const pairs = names.map((name, i) => `${name}="${(values[i] ?? '').replace(/[\\"\n]/g, (c) => ESCAPES[c] ?? c)}"`)
  return `{${pairs.join(',')}}`
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** What every Prometheus client says about its process. */
export function collectProcess(metrics: Metrics, clock: Clock): void {
  const cpu = metrics.counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.')
  const resident = metrics.gauge('process_resident_memory_bytes', 'Resident memory size in bytes.')
  const heap = metrics.gauge('process_heap_bytes', 'Size of the heap in use in bytes.')
  const start = metrics.gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.')
  start.set(Math.round(clock.now() / 1000 - process.uptime()))
  metrics.collect(() => {
    const { user, system } = process.cpuUsage()
    cpu.set((user + system) / 1e6)
    const memory = process.memoryUsage()
    resident.set(memory.rss)
    heap.set(memory.heapUsed)
  })
}
