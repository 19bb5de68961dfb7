// The vocabulary of an nftables ruleset as typed values: tables, chains, rules, sets and maps.

/** What a rule can look at in a packet. */
export type Field =
  | 'ip saddr'
  | 'ip daddr'
  | 'meta l4proto'
  | 'th sport'
  | 'th dport'
  | 'iifname'
  | 'oifname'
  | 'ct state'
  | 'ct status'
  | 'fib saddr type'
  | 'fib daddr type'

/** Several fields are one concatenated key, as in `ip daddr . meta l4proto . th dport`. */
export type Key = readonly Field[]

export type Verdict = 'accept' | 'drop' | 'return' | `goto ${string}` | `jump ${string}`

/** `address:port`. */
export type Target = `${string}:${number}`

export type Statement =
  /** The rule goes on when the key is one of the values: addresses, prefixes, ranges `a-b`, words. */
  | { readonly kind: 'match'; readonly key: Key; readonly values: readonly string[]; readonly not?: boolean }
  | { readonly kind: 'in-set'; readonly key: Key; readonly set: string; readonly not?: boolean }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  /** The verdict that the map holds for the key; without one the rule ends. */
  | { readonly kind: 'verdict-map'; readonly key: Key; readonly map: string }
  /** One of the verdicts, each as likely as the others. */
  | { readonly kind: 'verdict-random'; readonly verdicts: readonly Verdict[] }
  | { readonly kind: 'reject'; readonly with: 'tcp reset' | 'port-unreachable' }
  | { readonly kind: 'dnat'; readonly to: Target }
  | { readonly kind: 'dnat-map'; readonly key: Key; readonly map: string }
  /** One of the targets, each as likely as the others. */
  | { readonly kind: 'dnat-random'; readonly targets: readonly Target[] }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'mark-has'; readonly bits: number }
  | { readonly kind: 'mark-set'; readonly bits: number }
  | { readonly kind: 'mark-clear'; readonly bits: number }
  /** Adds the key to a dynamic set, or renews its time. */
  | { readonly kind: 'remember'; readonly key: Key; readonly set: string; readonly timeoutSeconds: number }
  | { readonly kind: 'counter' }

export interface Rule {
  readonly statements: readonly Statement[]
  readonly comment?: string | undefined
}

export interface Hook {
  readonly type: 'filter' | 'nat' | 'route'
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  readonly priority: number
  /** `accept` unless said. */
  readonly policy?: 'accept' | 'drop'
}

export interface Chain {
  /** Only base chains have one: the kernel starts there. */
  readonly hook?: Hook
  readonly rules: readonly Rule[]
}

/** A set when its elements have no values, a map otherwise. */
export interface NamedSet {
  /** The key's type: `ipv4_addr . inet_proto . inet_service`. */
  readonly type: string
  /** `verdict`, or the type of the data. Absent for a set. */
  readonly valueType?: string
  readonly flags?: readonly ('interval' | 'dynamic' | 'timeout')[]
  readonly timeoutSeconds?: number
  readonly size?: number
  /**
   * Keys with their values, `''` in a set: `10.96.0.1 . tcp . 443` → `goto service-x`, `tcp . 80` → `10.244.0.2 . 8080`.
   * A dynamic set's elements are the kernel's and not listed here.
   */
  readonly elements: ReadonlyMap<string, string>
}

export interface Table {
  readonly family: 'ip' | 'ip6' | 'inet'
  readonly name: string
  readonly sets: ReadonlyMap<string, NamedSet>
  readonly chains: ReadonlyMap<string, Chain>
}

/** An element's key or value from its parts. */
export const concat = (...parts: readonly (string | number)[]): string => parts.join(' . ')

export const isDynamic = (set: NamedSet): boolean => set.flags?.includes('dynamic') ?? false

/** Priorities that the kernel names. */
export const PRIORITY = { dstnat: -100, filter: 0, srcnat: 100 } as const
