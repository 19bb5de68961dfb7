// Brings services and what is taken for them into line: at the start, where an older server kept no record, and after servers that died between two writes.

import { sleep, type Clock } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { Logger } from '../../base/log.ts'
import type { EventRecorder } from '../../client/events.ts'
import { type Claim, type Claims, isOwner, type Owner, ownerOf } from './claims.ts'
import { holdingsOf } from './holdings.ts'
import { type AddressRange, addressNumber, spans } from './ranges.ts'

/** How often is looked, when anything has changed. */
export const REPAIR_INTERVAL_MS = 60_000
/** A place that nobody holds may belong to a service that is just being written: it is free when it was nobody's for so long (upstream: 60 s). */
export const ORPHAN_GRACE_MS = 60_000

/** Writes of a repair under way. */
const AT_ONCE = 100

export interface RepairState {
  services: readonly DeepReadonly<Service>[]
  addresses: Pick<Claims<string>, 'get' | 'all'>
  ports: Pick<Claims<number>, 'get' | 'all'>
  /** All of them, ready or not. */
  ranges: readonly AddressRange[]
  nodePorts: readonly [number, number]
}

export interface Finding {
  service: DeepReadonly<Service>
  /** The two controllers that upstream has for this. */
  by: 'ipallocator-repair-controller' | 'portallocator-repair-controller'
  reason: string
  message: string
}

export interface RepairPlan {
  takeAddresses: { place: string; owner: Owner }[]
  takePorts: { place: number; owner: Owner }[]
  /** Taken, and no service holds them. */
  orphanAddresses: Claim<string>[]
  orphanPorts: Claim<number>[]
  findings: Finding[]
}

/** What is wrong, and what is to be done about it. Pure. */
export function decide(state: RepairState): RepairPlan {
  const holders = new Map<string, DeepReadonly<Service>>()
  for (const service of state.services) holders.set(keyOf(ownerOf(service.metadata)), service)
  const holds = (owner: Owner | undefined, place: string | number): boolean => {
    const { addresses, ports } = holdingsOf(owner && holders.get(keyOf(owner)))
    return typeof place === 'string' ? addresses.has(place) : ports.has(place)
  }
  const plan: RepairPlan = {
    takeAddresses: [],
    takePorts: [],
    orphanAddresses: [...state.addresses.all()].filter(({ owner, place }) => !holds(owner, place)),
    orphanPorts: [...state.ports.all()].filter(({ owner, place }) => !holds(owner, place)),
    findings: [],
  }
  const taken = { addresses: new Set<string>(), ports: new Set<number>() }
  for (const service of state.services) {
    const held = holdingsOf(service)
    for (const place of held.addresses) {
      const said = checkAddress({ service, place, state, plan, taken: taken.addresses, holds })
      if (said) plan.findings.push({ service, by: 'ipallocator-repair-controller', ...said })
    }
    for (const place of held.ports) {
      const said = checkPort({ service, place, state, plan, taken: taken.ports, holds })
      if (said) plan.findings.push({ service, by: 'portallocator-repair-controller', ...said })
    }
  }
  return plan
}

interface Check<Place> {
  service: DeepReadonly<Service>
  place: Place
  state: RepairState
  plan: RepairPlan
  /** What this plan takes already. */
  taken: Set<Place>
  holds(owner: Owner | undefined, place: Place): boolean
}

type Said = Pick<Finding, 'reason' | 'message'>
type Verdict = 'right' | 'missing' | 'taken' | 'orphaned'

function verdictOn<Place>({ service, place, taken, holds }: Check<Place>, claim: Claim<Place> | undefined): Verdict {
  if (claim === undefined) return taken.has(place) ? 'taken' : 'missing'
  if (isOwner(claim.owner, ownerOf(service.metadata))) return claim.sound ? 'right' : 'orphaned'
  return holds(claim.owner, place) ? 'taken' : 'orphaned'
}

function checkAddress(check: Check<string>): Said | undefined {
  const { service, place, state, plan, taken } = check
  const owner = ownerOf(service.metadata)
  const number = addressNumber(place)
  if (number === undefined || !state.ranges.some((range) => spans(range, number))) {
    const message = `Cluster IP [IPv4]: ${place} is not within any configured Service CIDR; please recreate service`
    return { reason: 'ClusterIPOutOfRange', message }
  }
  const claim = state.addresses.get(place)
  switch (verdictOn(check, claim)) {
    case 'right':
      return undefined
    case 'missing':
      taken.add(place)
      plan.takeAddresses.push({ place, owner })
      return { reason: 'ClusterIPNotAllocated', message: `Cluster IP [IPv4]: ${place} is not allocated; repairing` }
    case 'taken': {
      const message = `Cluster IP [IPv4]:${place} was assigned to multiple services; please recreate service`
      return { reason: 'ClusterIPAlreadyAllocated', message }
    }
    case 'orphaned': {
      // What something else made is not among those that are looked through for orphans.
      if (claim && !plan.orphanAddresses.some(({ id }) => id === claim.id)) plan.orphanAddresses.push(claim)
      const message = `the ClusterIP [IPv4]: ${place} for Service ${keyOf(owner)} has a wrong reference; repairing`
      return { reason: 'ClusterIPNotAllocated', message }
    }
  }
}

function checkPort(check: Check<number>): Said | undefined {
  const { service, place, state, plan, taken } = check
  const [low, high] = state.nodePorts
  if (place < low || place > high) {
    const message = `Port ${place} is not within the port range ${low}-${high}; please recreate service`
    return { reason: 'PortOutOfRange', message }
  }
  switch (verdictOn(check, state.ports.get(place))) {
    case 'right':
      return undefined
    case 'missing':
    case 'orphaned':
      // One that is orphaned is taken when it has been released.
      if (state.ports.get(place) === undefined) {
        taken.add(place)
        plan.takePorts.push({ place, owner: ownerOf(service.metadata) })
      }
      return { reason: 'PortNotAllocated', message: `Port ${place} is not allocated; repairing` }
    case 'taken': {
      const message = `Port ${place} was assigned to multiple services; please recreate service`
      return { reason: 'PortAlreadyAllocated', message }
    }
  }
}

const keyOf = ({ namespace, name }: Owner): string => `${namespace}/${name}`

/** Many at a time, since they share commits: the first start on the data of an older server takes all that its services hold. */
async function inParts<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE)
    await Promise.all(items.slice(start, start + AT_ONCE).map(work))
}

export interface RepairOptions {
  /** As the caches have it now. */
  state(): RepairState
  addresses: Claims<string>
  ports: Claims<number>
  /** Grows with every change of what `state` is made of. */
  changedAt(): number
  /** Done before each look. */
  prepare(): Promise<void>
  /** Tells users what was found. */
  recorders: Readonly<Record<Finding['by'], EventRecorder>>
  clock: Clock
  log: Logger
}

export class AllocationRepair implements AsyncDisposable {
  readonly #options: RepairOptions
  readonly #stop = new AbortController()
  /** Since when an orphan is one, by its id. */
  #orphans = new Map<string, number>()
  /** What users have been told. */
  #told = new Set<string>()
  #lookedAt = -1
  #running: Promise<void> | undefined

  constructor(options: RepairOptions) {
    this.#options = options
  }

  /** Returns after the first look. */
  async start(): Promise<void> {
    await this.look()
    this.#running = this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options
    for (;;) {
      try {
        await sleep(clock, REPAIR_INTERVAL_MS, this.#stop.signal)
      } catch {
        return
      }
      try {
        await this.look()
      } catch (error) {
        if (!this.#stop.signal.aborted) log.error('Could not compare services with what is taken for them', { error })
      }
    }
  }

  async look(): Promise<void> {
    const { state, changedAt, prepare } = this.#options
    await prepare()
    const at = changedAt()
    if (at === this.#lookedAt && this.#orphans.size === 0) return
    const plan = decide(state())
    this.#tell(plan.findings)
    await this.#take(plan)
    // What has just been released may be what a service lacked.
    if (await this.#release(plan)) await this.#take(decide(state()))
    // What was done here is looked at once more.
    this.#lookedAt = at
  }

  async #take({ takeAddresses, takePorts }: RepairPlan): Promise<void> {
    const { addresses, ports } = this.#options
    await inParts(takeAddresses, ({ place, owner }) => addresses.take(place, owner))
    await inParts(takePorts, ({ place, owner }) => ports.take(place, owner))
  }

  async #release({ orphanAddresses, orphanPorts }: RepairPlan): Promise<boolean> {
    const { clock, log, addresses, ports } = this.#options
    const now = clock.monotonic()
    const before = this.#orphans
    this.#orphans = new Map()
    const isDue = ({ place, id, owner }: Claim<string | number>): boolean => {
      const key = `${typeof place}/${id}`
      const since = before.get(key) ?? now
      if (now - since < ORPHAN_GRACE_MS) {
        this.#orphans.set(key, since)
        return false
      }
      log.info('Released what was taken for no service', { place, owner: owner && keyOf(owner) })
      return true
    }
    const dueAddresses = orphanAddresses.filter(isDue)
    const duePorts = orphanPorts.filter(isDue)
    for (const claim of dueAddresses) await addresses.release(claim)
    for (const claim of duePorts) await ports.release(claim)
    return dueAddresses.length + duePorts.length > 0
  }

  /** Once for each service and matter. */
  #tell(findings: readonly Finding[]): void {
    const { log, recorders } = this.#options
    const told = new Set<string>()
    for (const { service, by, reason, message } of findings) {
      const key = `${service.metadata.uid ?? ''} ${message}`
      told.add(key)
      if (this.#told.has(key)) continue
      log.error('A service and what is taken for it differ', {
        service: keyOf(ownerOf(service.metadata)),
        reason,
        message,
      })
      recorders[by].event(service, 'Warning', reason, message)
    }
    this.#told = told
  }
}
