// Bugs to plant in how services take addresses and node ports.

import type { Mutant } from './mutant.ts'

const ALLOCATION = 'src/apiserver/service-allocation/service-allocation.ts'
const SERVICES = 'src/apiserver/service-allocation/service-allocation.test.ts'
const REPAIR = 'src/apiserver/service-allocation/repair.test.ts'

export const serviceAllocationMutants: readonly Mutant[] = [
  {
    does: 'An address is given out that another server has taken meanwhile',
    bugClass: 'given out twice',
    file: ALLOCATION,
    from: 'const claim = await addresses.take(address, this.owner)\n        if (claim === undefined) continue\n        this.#addresses.push(claim)',
    to: 'const claim = await addresses.take(address, this.owner)\n        if (claim !== undefined) this.#addresses.push(claim)',
    test: SERVICES,
  },
  {
    does: 'A node port is given out that another server has taken meanwhile',
    bugClass: 'given out twice',
    file: ALLOCATION,
    from: 'const claim = await ports.take(port, this.owner)\n      if (claim === undefined) continue\n      this.#ports.push(claim)',
    to: 'const claim = await ports.take(port, this.owner)\n      if (claim !== undefined) this.#ports.push(claim)',
    test: SERVICES,
  },
  {
    does: 'What a service took that could not be written stays taken',
    bugClass: 'kept for ever',
    file: ALLOCATION,
    from: "if (outcome === 'failed') await operation.undo()",
    to: '',
    test: SERVICES,
  },
  {
    does: 'A write that was not answered counts as failed',
    bugClass: 'given out twice',
    file: 'src/apiserver/registry/create.ts',
    from: "outcome = 'unknown'",
    to: "outcome = 'failed'",
    test: SERVICES,
    only: 'keeps what it has, since it may be there',
  },
  {
    does: 'An address is given back by its name, whoever has it by now',
    bugClass: 'given out twice',
    file: 'src/apiserver/service-allocation/address-claims.ts',
    from: ', { preconditions: { uid } }',
    to: '',
    test: SERVICES,
  },
  {
    does: 'A node port is given back by its number, whoever has it by now',
    bugClass: 'given out twice',
    file: 'src/apiserver/service-allocation/port-claims.ts',
    from: 'value: null, expected: Number(id), actor',
    to: 'value: null, actor',
    test: SERVICES,
  },
  {
    does: 'What was taken over is given back by one that fails, while its first maker counts on it',
    bugClass: 'given out twice',
    file: ALLOCATION,
    from: 'return (await claims.replace(present)) !== undefined',
    to: 'const mine = await claims.replace(present)\n    if (mine !== undefined) taken.push(mine)\n    return mine !== undefined',
    test: SERVICES,
  },
  {
    does: 'What a service that is just being written takes is released as nobody’s',
    bugClass: 'given out twice',
    file: 'src/apiserver/service-allocation/repair.ts',
    from: 'if (now - since < ORPHAN_GRACE_MS) {',
    to: 'if (now - since < 0) {',
    test: REPAIR,
  },
  {
    does: 'What a dead server left is never released',
    bugClass: 'kept for ever',
    file: 'src/apiserver/service-allocation/repair.ts',
    from: 'for (const claim of dueAddresses) await addresses.release(claim)',
    to: '',
    test: REPAIR,
  },
]
