// The memory engine passes the contract.

import { storeConformance } from '../conformance.ts'
import { openMemoryStore } from './memory.ts'

storeConformance('memory', async (options) => openMemoryStore(options))
