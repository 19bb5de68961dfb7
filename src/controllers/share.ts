// A number that may be said as a share of a total: `2`, `"25%"`.

export function share(value: number | string | undefined, total: number, round: (n: number) => number): number {
  if (value === undefined) return 0
  return typeof value === 'number' ? value : round((Number.parseInt(value, 10) * total) / 100)
}
