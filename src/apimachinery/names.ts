// What names, labels and keys may look like: each check answers upstream's sentences, none when all is well.

export type NameCheck = (value: string) => readonly string[]

/** What all checks answer when all is well: nearly always, so that the answer must cost nothing. */
const WELL: readonly string[] = Object.freeze([])

function regexMessage(message: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ')
  return `${message} (${shown && `e.g. ${shown}`}regex used for validation is '${pattern}')`
}
type Unit = 'characters' | 'bytes'
const tooLongMessage = (length: number, unit: Unit = 'characters'): string => `must be no more than ${length} ${unit}`

interface Rule {
  pattern: string
  message: string
  examples: readonly string[]
  maxLength?: number
  /** What upstream calls the measure; it is bytes either way. */
  unit?: Unit
}

function checkOf({ pattern, message, examples, maxLength, unit }: Rule): NameCheck {
  const regex = new RegExp(`^(?:${pattern})$`)
  const broken = regexMessage(message, pattern, ...examples)
  return (value) => {
    const fits = maxLength === undefined || value.length <= maxLength
    if (fits && regex.test(value)) return WELL
    const problems: string[] = []
    if (!fits) problems.push(tooLongMessage(maxLength, unit))
    if (!regex.test(value)) problems.push(broken)
    return problems
  }
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

export const checkSubdomain = checkOf({
  pattern: SUBDOMAIN,
  message:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  examples: ['example.com'],
  maxLength: 253,
})

export const checkWildcardSubdomain = checkOf({
  pattern: `\\*\\.${SUBDOMAIN}`,
  message:
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  examples: ['*.example.com'],
  maxLength: 253,
})

const SUBDOMAIN_REGEX = new RegExp(`^(?:${SUBDOMAIN})$`)
const labelOnly = checkOf({
  pattern: LABEL,
  message:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  examples: ['my-name', '123-abc'],
  maxLength: 63,
})

export const checkLabel: NameCheck = (value) => {
  const problems = labelOnly(value)
  if (problems.length === 0 || !SUBDOMAIN_REGEX.test(value) || !value.includes('.')) return problems
  return [...problems.slice(0, -1), 'must not contain dots']
}

export const checkLabel1035 = checkOf({
  pattern: '[a-z]([-a-z0-9]*[a-z0-9])?',
  message:
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  examples: ['my-name', 'abc-123'],
  maxLength: 63,
})

/** One segment of a URL's path: the laxest rule there is. */
export const checkPathSegment: NameCheck = (value) => {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  if (!value.includes('/') && !value.includes('%')) return WELL
  return ['/', '%']
    .filter((character) => value.includes(character))
    .map((character) => `may not contain '${character}'`)
}

const QUALIFIED_REGEX = new RegExp(`^(?:${QUALIFIED})$`)
const QUALIFIED_MESSAGE = regexMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  QUALIFIED,
  'MyName',
  'my.name',
  '123-abc',
)

const MAX_PREFIX = 253
const MAX_NAME = 63
const WHOLE_REGEX = new RegExp(`^(?:${SUBDOMAIN}/)?${QUALIFIED}$`)

/** Whether nothing is wrong with the key, told without taking it apart. */
function isQualifiedName(value: string): boolean {
  const slash = value.indexOf('/')
  return slash <= MAX_PREFIX && value.length - slash - 1 <= MAX_NAME && WHOLE_REGEX.test(value)
}

/** Keys of labels and annotations, finalizers: `name` or `example.com/name`. */
export const checkQualifiedName: NameCheck = (value) => {
  if (isQualifiedName(value)) return WELL
  const parts = value.split('/')
  if (parts.length > 2) {
    return [
      `a valid label key ${QUALIFIED_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  }
  const problems: string[] = []
  const name = parts.at(-1) ?? ''
  const [prefix] = parts
  if (parts.length === 2 && prefix !== undefined) {
    if (prefix === '') problems.push('prefix part must be non-empty')
    else problems.push(...checkSubdomain(prefix).map((problem) => `prefix part ${problem}`))
  }
  if (name === '') problems.push('name part must be non-empty')
  else if (name.length > MAX_NAME) problems.push(`name part ${tooLongMessage(MAX_NAME, 'bytes')}`)
  if (!QUALIFIED_REGEX.test(name)) problems.push(`name part ${QUALIFIED_MESSAGE}`)
  return problems
}

export const checkLabelValue = checkOf({
  pattern: `(${QUALIFIED})?`,
  message:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  examples: ['MyValue', 'my_value', '12345'],
  maxLength: 63,
  unit: 'bytes',
})

const configKey = checkOf({
  pattern: '[-._a-zA-Z0-9]+',
  message: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  examples: ['key.name', 'KEY_NAME', 'key-name'],
  maxLength: 253,
})

/** Keys of config maps and secrets: they become file names. */
export const checkConfigMapKey: NameCheck = (value) => {
  const problems = configKey(value)
  if (!value.startsWith('.')) return problems
  if (value === '.' || value === '..') return [...problems, `must not be '${value}'`]
  return value.startsWith('..') ? [...problems, `must not start with '..'`] : problems
}

const ENV_NAME = /^[\x20-\x3c\x3e-\x7e]*$/

export const checkEnvName: NameCheck = (value) => {
  if (value === '') return ['environment variable name must be non-empty']
  return ENV_NAME.test(value)
    ? WELL
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

export const checkHttpHeaderName = checkOf({
  pattern: '[-A-Za-z0-9]+',
  message: "a valid HTTP header must consist of alphanumeric characters or '-'",
  examples: ['X-Header-Name'],
})

export const checkPercent = checkOf({
  pattern: '[0-9]+%',
  message: "a valid percent string must be a numeric string followed by an ending '%'",
  examples: ['1%', '93%'],
})

export const checkCIdentifier = checkOf({
  pattern: '[A-Za-z_][A-Za-z0-9_]*',
  message:
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  examples: ['my_name', 'MY_NAME', 'MyName'],
})

/** The name of a port, by the rules for service names. */
export const checkPortName: NameCheck = (value) => {
  const problems: string[] = []
  if (value.length > 15) problems.push(tooLongMessage(15))
  if (!/^[-a-z0-9]+$/.test(value)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  }
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)')
  if (value.includes('--')) problems.push('must not contain consecutive hyphens')
  if (value.startsWith('-') || value.endsWith('-')) problems.push('must not begin or end with a hyphen')
  return problems
}

export const rangeMessage = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`

export const NOT_A_PORT = rangeMessage(1, 65_535)

export function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

export function checkPort(port: number): readonly string[] {
  return isPort(port) ? WELL : [NOT_A_PORT]
}

/** What `names` of a resource stands for. */
export const NAME_CHECKS: Readonly<
  Record<'dns-subdomain' | 'dns-label' | 'dns-label-1035' | 'path-segment', NameCheck>
> = {
  'dns-subdomain': checkSubdomain,
  'dns-label': checkLabel,
  'dns-label-1035': checkLabel1035,
  'path-segment': checkPathSegment,
}
