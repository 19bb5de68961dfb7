// SchedulingGates: a pod with gates waits until they are taken away.

import { definePlugin } from '../framework.ts'

export const schedulingGates = definePlugin({
  name: 'SchedulingGates',
  gate({ spec }) {
    const gates = spec.schedulingGates ?? []
    return gates.length === 0 ? undefined : `waiting for scheduling gates: [${gates.map((g) => g.name).join(' ')}]`
  },
})
