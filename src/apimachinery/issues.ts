// What is wrong with an object: a list of field errors with upstream's words (apimachinery `field.ErrorList`).

/** The reasons of a cause in Status details. */
export type IssueReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueNotFound'
  | 'FieldValueTypeInvalid'
  | 'InternalError'

export interface Issue {
  /** `spec.containers[0].image` */
  readonly field: string
  readonly reason: IssueReason
  /** The text behind the field: `Required value`, `Invalid value: "x": must be …`. */
  readonly message: string
}

/** Collects issues; the methods are named after upstream's constructors and produce its wording. */
export class Issues {
  readonly #list: Issue[] = []

  get list(): readonly Issue[] {
    return this.#list
  }

  required(field: string, detail = ''): void {
    this.#add(field, 'FieldValueRequired', `Required value${detail && `: ${detail}`}`)
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add(field, 'FieldValueInvalid', `Invalid value: ${shown(value)}${detail && `: ${detail}`}`)
  }

  /** As `invalid`, where the value would say nothing. */
  invalidUnshown(field: string, detail: string): void {
    this.#add(field, 'FieldValueInvalid', `Invalid value: ${detail}`)
  }

  typeInvalid(field: string, value: unknown, detail: string): void {
    this.#add(field, 'FieldValueTypeInvalid', `Invalid value: ${shown(value)}${detail && `: ${detail}`}`)
  }

  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    const values = [...supported].sort().map((v) => JSON.stringify(v))
    this.#add(
      field,
      'FieldValueNotSupported',
      `Unsupported value: ${shown(value)}${values.length ? `: supported values: ${values.join(', ')}` : ''}`,
    )
  }

  forbidden(field: string, detail: string): void {
    this.#add(field, 'FieldValueForbidden', `Forbidden: ${detail}`)
  }

  duplicate(field: string, value: unknown): void {
    this.#add(field, 'FieldValueDuplicate', `Duplicate value: ${shown(value)}`)
  }

  tooLong(field: string, maxLength: number): void {
    this.#add(
      field,
      'FieldValueTooLong',
      `Too long: may not be more than ${maxLength} ${maxLength === 1 ? 'byte' : 'bytes'}`,
    )
  }

  tooMany(field: string, actual: number, maxItems: number): void {
    const bound = `must have at most ${maxItems} item${maxItems === 1 ? '' : 's'}`
    this.#add(field, 'FieldValueTooMany', `Too many: ${actual}: ${bound}`)
  }

  notFound(field: string, value: unknown): void {
    this.#add(field, 'FieldValueNotFound', `Not found: ${shown(value)}`)
  }

  /** An issue in words of its own. */
  add(issue: Issue): void {
    this.#list.push(issue)
  }

  #add(field: string, reason: IssueReason, message: string): void {
    this.#list.push({ field, reason, message })
  }
}

/** A value as Go prints it inside a field error: text quoted, null as `null`, the rest as JSON. */
function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value)
}
