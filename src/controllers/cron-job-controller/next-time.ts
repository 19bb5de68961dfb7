// When a schedule comes next, by the clock of a time zone. Pure: the zone's rules come with the runtime.

import type { Schedule } from '../../api/batch/cron-job/schedule.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** A schedule like `0 0 30 2 *` never comes. */
const HORIZON_MS = 5 * 366 * 24 * HOUR_MS

interface WallClock {
  month: number
  day: number
  weekday: number
  hour: number
  minute: number
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

export class Calendar {
  readonly #format: Intl.DateTimeFormat | undefined

  /** Throws a RangeError when there is no such zone. Absent: UTC. */
  constructor(timeZone: string | undefined) {
    if (timeZone === undefined || timeZone === 'UTC') return
    const numbers = { month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hourCycle: 'h23', ...numbers })
  }

  /** The first time after `ms`; undefined when there is none in years. */
  next(schedule: Schedule, ms: number): number | undefined {
    if ('everyMs' in schedule) return Math.floor(ms / 1000) * 1000 + schedule.everyMs
    const { month, dayOfMonth, dayOfWeek, hour, minute } = schedule
    for (let at = Math.floor(ms / MINUTE_MS) * MINUTE_MS + MINUTE_MS; at < ms + HORIZON_MS; ) {
      const wall = this.#wall(at)
      const [isDay, isWeekday] = [dayOfMonth.values.has(wall.day), dayOfWeek.values.has(wall.weekday)]
      // Two restrictions of the day are alternatives.
      const isRight = dayOfMonth.any || dayOfWeek.any ? isDay && isWeekday : isDay || isWeekday
      if (!month.values.has(wall.month) || !isRight) at = this.#nextDay(at, wall)
      else if (!hour.values.has(wall.hour)) at += HOUR_MS - wall.minute * MINUTE_MS
      else if (!minute.values.has(wall.minute)) at += MINUTE_MS
      else return at
    }
    return undefined
  }

  /** Midnight, or the first moment after it that there is. */
  #nextDay(at: number, { day, hour, minute }: WallClock): number {
    let next = at - minute * MINUTE_MS + (24 - hour) * HOUR_MS
    // The day may have an hour less or more.
    if (this.#wall(next).day === day) next += HOUR_MS
    else if (this.#wall(next).hour > 0 && this.#wall(next - HOUR_MS).day !== day) next -= HOUR_MS
    return next
  }

  #wall(at: number): WallClock {
    if (this.#format === undefined) {
      const date = new Date(at)
      const [hour, minute] = [date.getUTCHours(), date.getUTCMinutes()]
      return { month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay(), hour, minute }
    }
    const parts = Object.fromEntries(this.#format.formatToParts(at).map(({ type, value }) => [type, value]))
    const number = (name: string): number => Number(parts[name])
    const weekday = WEEKDAYS.indexOf(parts['weekday'] ?? '')
    return { month: number('month'), day: number('day'), weekday, hour: number('hour'), minute: number('minute') }
  }
}

export interface Missed {
  /** The last time that has come. */
  last: number | undefined
  /** The one that comes next. */
  next: number | undefined
  /** More than a clock that is a little wrong explains. */
  tooMany: boolean
}

const TOO_MANY = 100

/** What has come since `sinceMs`. */
export function missedTimes(calendar: Calendar, schedule: Schedule, sinceMs: number, nowMs: number): Missed {
  const first = calendar.next(schedule, sinceMs)
  if (first === undefined || first > nowMs) return { last: undefined, next: first, tooMany: false }
  const second = calendar.next(schedule, first)
  const interval = second === undefined ? HORIZON_MS : second - first
  const count = Math.floor((nowMs - first) / interval) + 1
  // Not one by one: there may be years of them.
  let last = first
  let at: number | undefined = count > 2 ? calendar.next(schedule, first + (count - 2) * interval) : second
  while (at !== undefined && at <= nowMs) {
    last = at
    at = calendar.next(schedule, at)
  }
  return { last, next: at ?? calendar.next(schedule, last), tooMany: count > TOO_MANY }
}
