// Sizes and costs between a least and a most; what is too large to count stays at the largest there is.

export interface Range {
  readonly min: number
  readonly max: number
}
export type Estimate = Range

/** 2^64: the most that upstream can count to. */
export const MOST = 2 ** 64

export const NOTHING: Range = { min: 0, max: 0 }
export const UNKNOWN: Range = { min: 0, max: MOST }
export const exactly = (n: number): Range => ({ min: n, max: n })

const bounded = (n: number): number => Math.min(n, MOST)

export function add(x: Range, y: Range): Range {
  return { min: bounded(x.min + y.min), max: bounded(x.max + y.max) }
}
export function multiply(x: Range, y: Range): Range {
  return { min: bounded(x.min * y.min), max: bounded(x.max * y.max) }
}
export function ceilTimes({ min, max }: Range, factor: number): Range {
  return { min: bounded(Math.ceil(min * factor)), max: bounded(Math.ceil(max * factor)) }
}
export function union(x: Range, y: Range): Range {
  return { min: Math.min(x.min, y.min), max: Math.max(x.max, y.max) }
}
