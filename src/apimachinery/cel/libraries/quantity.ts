// Quantities: `quantity("1Gi").isGreaterThan(quantity("500Mi"))`.

import { formatQuantity, parseQuantity, type Quantity } from '../../quantity.ts'
import { type Functions, global, int, method, own, string } from '../declarations.ts'
import { MAX_INT, MIN_INT } from '../lexer.ts'
import { BOOL, DOUBLE, INT, structType } from '../types.ts'
import { Failed, OpaqueValue, type Value } from '../values.ts'

export const QUANTITY = structType('kubernetes.Quantity')

export class QuantityValue extends OpaqueValue {
  readonly typeName = 'kubernetes.Quantity'
  readonly quantity: Quantity
  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && other.quantity.nanos === this.quantity.nanos
  }
  override toString(): string {
    return formatQuantity(this.quantity)
  }
}

const WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

function toQuantity(text: string): QuantityValue | Failed {
  try {
    return new QuantityValue(parseQuantity(text))
  } catch {
    return new Failed(WRONG)
  }
}

const NANO = 1_000_000_000n
const isWhole = (nanos: bigint): boolean => nanos % NANO === 0n && nanos / NANO <= MAX_INT && nanos / NANO >= MIN_INT
const compare = (x: QuantityValue, y: QuantityValue): bigint => {
  const difference = x.quantity.nanos - y.quantity.nanos
  return difference < 0n ? -1n : difference > 0n ? 1n : 0n
}
const plus = (x: QuantityValue, nanos: bigint): Value =>
  new QuantityValue({ nanos: x.quantity.nanos + nanos, form: x.quantity.form })

const quantity = own<QuantityValue>(QUANTITY)

export const quantities: Functions = {
  quantity: [global('string_to_quantity', [string], QUANTITY, toQuantity)],
  isQuantity: [global('is_quantity_string', [string], BOOL, (x) => toQuantity(x) instanceof QuantityValue)],
  sign: [
    method('quantity_sign', [quantity], INT, ({ quantity: { nanos } }) => (nanos > 0n ? 1n : nanos < 0n ? -1n : 0n)),
  ],
  isGreaterThan: [method('quantity_is_greater_than', [quantity, quantity], BOOL, (x, y) => compare(x, y) > 0n)],
  isLessThan: [method('quantity_is_less_than', [quantity, quantity], BOOL, (x, y) => compare(x, y) < 0n)],
  compareTo: [method('quantity_compare_to', [quantity, quantity], INT, compare)],
  asApproximateFloat: [
    method('quantity_get_float', [quantity], DOUBLE, ({ quantity: { nanos } }) => Number(nanos) / 1e9),
  ],
  asInteger: [
    method('quantity_get_int', [quantity], INT, ({ quantity: { nanos } }) =>
      isWhole(nanos) ? nanos / NANO : new Failed('cannot convert value to integer'),
    ),
  ],
  isInteger: [method('quantity_is_integer', [quantity], BOOL, ({ quantity: { nanos } }) => isWhole(nanos))],
  add: [
    method('quantity_add', [quantity, quantity], QUANTITY, (x, y) => plus(x, y.quantity.nanos)),
    method('quantity_add_int', [quantity, int], QUANTITY, (x, y) => plus(x, y * NANO)),
  ],
  sub: [
    method('quantity_sub', [quantity, quantity], QUANTITY, (x, y) => plus(x, -y.quantity.nanos)),
    method('quantity_sub_int', [quantity, int], QUANTITY, (x, y) => plus(x, -y * NANO)),
  ],
}
