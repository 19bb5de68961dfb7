// Named formats: `format.dns1123Label().validate(self.name)`; and the regex extension.

import {
  checkLabel,
  checkLabel1035,
  checkLabelValue,
  checkQualifiedName,
  checkSubdomain,
  type NameCheck,
} from '../../names.ts'
import { type Functions, global, int, method, own, string } from '../declarations.ts'
import { patternOf } from '../regex.ts'
import { parseTimestamp } from '../time.ts'
import { listOf, optionalOf, STRING, structType } from '../types.ts'
import { Failed, Items, NONE, OpaqueValue, OptionalValue, type Value } from '../values.ts'

export const FORMAT = structType('kubernetes.NamedFormat')

export class FormatValue extends OpaqueValue {
  readonly typeName = 'kubernetes.NamedFormat'
  readonly name: string
  readonly check: NameCheck
  /** What costs are counted by. */
  readonly maxRegexSize: number
  constructor(name: string, check: NameCheck, maxRegexSize: number) {
    super()
    this.name = name
    this.check = check
    this.maxRegexSize = maxRegexSize
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof FormatValue && other.name === this.name
  }
}

/** A prefix of a name, to which something will be added: it may end with a dash. */
const prefix =
  (check: NameCheck): NameCheck =>
  (value) =>
    check(value.endsWith('-') ? `${value.slice(0, -1)}a` : value)

const pattern =
  (regex: RegExp, message: string): NameCheck =>
  (value) =>
    regex.test(value) ? [] : [message]

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const isDate: NameCheck = (value) =>
  /^\d{4}-\d\d-\d\d$/.test(value) && parseTimestamp(`${value}T00:00:00Z`) !== undefined ? [] : ['invalid date']
const isDateTime: NameCheck = (value) => (parseTimestamp(value) === undefined ? ['invalid datetime'] : [])
const isURI: NameCheck = (value) =>
  /^(?:\/|[a-zA-Z][a-zA-Z0-9+.-]*:\/)/.test(value) && !/\s/.test(value)
    ? []
    : [`parse ${JSON.stringify(value)}: invalid URI for request`]

const FORMATS: Readonly<Record<string, FormatValue>> = {
  dns1123Label: new FormatValue('DNS1123Label', checkLabel, 30),
  dns1123Subdomain: new FormatValue('DNS1123Subdomain', checkSubdomain, 60),
  dns1035Label: new FormatValue('DNS1035Label', checkLabel1035, 30),
  qualifiedName: new FormatValue('QualifiedName', checkQualifiedName, 60),
  dns1123LabelPrefix: new FormatValue('DNS1123LabelPrefix', prefix(checkLabel), 30),
  dns1123SubdomainPrefix: new FormatValue('DNS1123SubdomainPrefix', prefix(checkSubdomain), 60),
  dns1035LabelPrefix: new FormatValue('DNS1035LabelPrefix', prefix(checkLabel1035), 30),
  labelValue: new FormatValue('LabelValue', checkLabelValue, 40),
  uri: new FormatValue('URI', isURI, 1000),
  uuid: new FormatValue('uuid', pattern(UUID, 'does not match the UUID format'), 77),
  byte: new FormatValue('byte', pattern(BASE64, 'invalid base64'), 84),
  date: new FormatValue('date', isDate, 71),
  datetime: new FormatValue('datetime', isDateTime, 71),
}

const format = own<FormatValue>(FORMAT)
const constants: Functions = Object.fromEntries(
  Object.entries(FORMATS).map(([name, value]) => [
    `format.${name}`,
    [global(`format.${name}`, [], FORMAT, () => value)],
  ]),
)

export const namedFormats: Functions = {
  ...constants,
  validate: [
    method('format-validate', [format, string], optionalOf(listOf(STRING)), ({ check }, text) => {
      const problems = check(text)
      return problems.length === 0 ? NONE : new OptionalValue(new Items([...problems]))
    }),
  ],
  'format.named': [
    global('format-named', [string], optionalOf(FORMAT), (name) => {
      const found = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
      return found ? new OptionalValue(found) : NONE
    }),
  ],
}

function find(text: string, source: string, limit: number): string[] | Failed {
  const compiled = patternOf(source)
  return compiled instanceof Failed ? new Failed(`Illegal regex: ${compiled.message}`) : compiled.find(text, limit)
}
function findAll(text: string, source: string, limit: number): Value {
  const found = find(text, source, limit < 0 ? Number.POSITIVE_INFINITY : limit)
  return found instanceof Failed ? found : new Items(found)
}

export const regexes: Functions = {
  find: [
    method('string_find_string', [string, string], STRING, (text, source) => {
      const found = find(text, source, 1)
      return found instanceof Failed ? found : (found[0] ?? '')
    }),
  ],
  findAll: [
    method('string_find_all_string', [string, string], listOf(STRING), (text, source) => findAll(text, source, -1)),
    method('string_find_all_string_int', [string, string, int], listOf(STRING), (text, source, n) =>
      findAll(text, source, Number(n)),
    ),
  ],
}
