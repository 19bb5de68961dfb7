// Which names of time zones there are.

const PART = /^[A-Za-z.\-_0-9+]{1,14}$/

/** What is wrong with the name of a time zone, in upstream's words. */
export function checkTimeZone(name: string): string[] {
  if (name === '') return ['timeZone must be nil or non-empty string']
  const wellFormed = name
    .split('/')
    .every((part) => part !== '.' && part !== '..' && !part.startsWith('-') && PART.test(part))
  if (!wellFormed) return [`unknown time zone ${name}`]
  if (name.toLowerCase() === 'local') {
    return ['timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones']
  }
  return isKnown(name) ? [] : [`unknown time zone ${name}`]
}

function isKnown(name: string): boolean {
  // Offsets, which JavaScript also takes for time zones, are none.
  if (/^[+-]?\d/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
