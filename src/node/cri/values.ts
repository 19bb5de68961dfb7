// Wire forms that CRI uses throughout: moments in nanoseconds and numbers wrapped in a message so that they can be absent.

import { converted, field, int64, int64Rounded, message, uint64Rounded } from '../../base/protobuf/protobuf.ts'

/** A moment: nanoseconds since 1970 on the wire, milliseconds (with a fraction) in programs; 0 = not set. */
export const timestamp = converted(
  int64Rounded,
  (nanoseconds) => nanoseconds / 1e6,
  (milliseconds: number) => Math.round(milliseconds * 1e6),
)

/** A number that can be absent. */
export const int64Value = converted(
  message({ value: field(1, int64) }),
  ({ value }) => value,
  (value: number) => ({ value }),
)

/** A measured number that can be absent; rounded beyond 2^53. */
export const uint64Value = converted(
  message({ value: field(1, uint64Rounded) }),
  ({ value }) => value,
  (value: number) => ({ value }),
)
