// A planted bug: one change of the source, and the test that has to fail because of it.

/** The classes of bugs that other stores, watch caches and API servers have had. */
export type BugClass =
  | 'lost event'
  | 'repeated event'
  | 'wrong event'
  | 'time travel'
  | 'progress too far'
  | 'stale read'
  | 'answered before readable'
  | 'lost update'
  | 'lost write after a crash'
  | 'revision given twice'
  | 'compaction'
  | 'silent divergence'
  | 'inconsistent list'
  | 'given out twice'
  | 'kept for ever'

export interface Mutant {
  /** What the source then does. */
  does: string
  bugClass: BugClass
  /** Where the class was seen: issues of kubernetes/kubernetes, etcd-io/etcd and others. */
  seen?: string
  file: string
  /** Occurs once in the file. */
  from: string
  to: string
  /** The test file, and where it has many, the test. */
  test: string
  only?: string
}
