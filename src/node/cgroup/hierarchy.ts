// Where cgroups are mounted on this machine, version 1 (one tree per controller, hybrid included) or 2 (one tree).

/** The controllers that Drover sets or reads. */
export type Controller = 'cpu' | 'cpuacct' | 'cpuset' | 'memory' | 'pids' | 'blkio' | 'devices' | 'freezer' | 'hugetlb'

export interface Hierarchy {
  readonly version: 1 | 2
  /** The mount point that holds a controller's files; for version 2 all are the same. */
  readonly mounts: ReadonlyMap<string, string>
  /** Every tree in which a cgroup of ours can exist: what has to be created and removed. */
  readonly trees: readonly string[]
}

/** Reads the hierarchy from the text of /proc/self/mountinfo. */
export function parseHierarchy(mountinfo: string): Hierarchy {
  const mounts = new Map<string, string>()
  const trees: string[] = []
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    const mountPoint = before?.split(' ')[4]
    const [type, , options] = after?.split(' ') ?? []
    if (mountPoint === undefined || trees.includes(mountPoint)) continue
    if (type === 'cgroup2') unified ??= mountPoint
    if (type !== 'cgroup') continue
    trees.push(mountPoint)
    for (const option of options?.split(',') ?? []) if (!mounts.has(option)) mounts.set(option, mountPoint)
  }
  if (!mounts.has('memory') && !mounts.has('cpu') && unified !== undefined)
    return { version: 2, mounts: new Map([['', unified]]), trees: [unified] }
  if (!mounts.has('memory') || !mounts.has('cpu'))
    throw new Error('Cannot find cgroups: neither cgroup2 nor the cpu and memory controllers of cgroup are mounted')
  // A hybrid machine's cgroup2 tree carries no controllers, but runc and systemd create groups in it.
  return { version: 1, mounts, trees: unified === undefined ? trees : [...trees, unified] }
}
