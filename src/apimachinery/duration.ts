// How long something has been: 5s, 3m20s, 2d4h. The figures of the AGE column.

const SECOND = 1
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** Two figures at most, fewer the longer it lasted, as upstream's `HumanDuration`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  // Clocks differ a little between machines: a second ahead is now, more is no age at all.
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 2 * MINUTE) return `${seconds}s`
  if (seconds < 10 * MINUTE) return both(seconds, [MINUTE, 'm'], [SECOND, 's'])
  if (seconds < 3 * HOUR) return `${Math.trunc(seconds / MINUTE)}m`
  if (seconds < 8 * HOUR) return both(seconds, [HOUR, 'h'], [MINUTE, 'm'])
  if (seconds < 2 * DAY) return `${Math.trunc(seconds / HOUR)}h`
  if (seconds < 8 * DAY) return both(seconds, [DAY, 'd'], [HOUR, 'h'])
  if (seconds < 2 * YEAR) return `${Math.trunc(seconds / DAY)}d`
  if (seconds < 8 * YEAR) return both(seconds, [YEAR, 'y'], [DAY, 'd'])
  return `${Math.trunc(seconds / YEAR)}y`
}

type Unit = readonly [seconds: number, letter: string]

/** `3m20s`, or `3m` when the smaller figure is zero. */
function both(seconds: number, [large, largeLetter]: Unit, [small, smallLetter]: Unit): string {
  const rest = Math.trunc((seconds % large) / small)
  return `${Math.trunc(seconds / large)}${largeLetter}${rest === 0 ? '' : `${rest}${smallLetter}`}`
}

/** What stands in the AGE column for something that began at `timestamp` (RFC 3339). */
export function age(timestamp: string | undefined, nowMs: number): string {
  return timestamp === undefined || timestamp === '' ? '<unknown>' : humanDuration(nowMs - Date.parse(timestamp))
}
